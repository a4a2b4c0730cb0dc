"""The `SERVICE_*` keys in a container's environment and labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .model import Container

_PREFIX = "SERVICE_"
# What Go's strconv.Atoi parses as a number: only then is the first part a port.
_NUMBER = re.compile(r"[+-]?[0-9]+")


def metadata(container: Container, port: int) -> tuple[dict[str, str], frozenset[str]]:
    """The values for one container port, and which of them come from a port-specific key.

    Labels override the environment; `SERVICE_<port>_X` overrides `SERVICE_X`; an empty value is
    unset, and an empty `SERVICE_<port>_X` unsets `SERVICE_X` for this port.
    """
    general: dict[str, str] = {}
    specific: dict[str, str] = {}
    for key, value in _pairs(container.env, container.labels):
        if not key.startswith(_PREFIX):
            continue
        name = key[len(_PREFIX) :].lower()
        head, underscore, tail = name.partition("_")
        if underscore and _NUMBER.fullmatch(head):
            if head == str(port):
                specific[tail] = value
        else:
            general[name] = value
    values = {key: value for key, value in {**general, **specific}.items() if key and value}
    return values, frozenset(key for key, value in specific.items() if key and value)


def split_tags(text: str, *, reverse: bool = False) -> tuple[str, ...]:
    r"""A comma-separated list; `\,` is a comma inside a tag, empty items are dropped.

    `reverse` reverses the list as upstream's master does; its last release keeps the order.
    """
    parts = re.split(r"(?<!\\),", text)
    tags = tuple(part.replace("\\,", ",") for part in parts if part)
    return tags[::-1] if reverse else tags


def _pairs(env: Iterable[str], labels: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Keys and values, those with precedence last.

    An entry without an equals sign has no value. Labels are unordered: they are sorted, so that of
    two that differ only by case the same one wins each time.
    """
    for entry in env:
        key, equals, value = entry.partition("=")
        if equals:
            yield key, value
    yield from sorted(labels.items())
