"""The public vocabulary: `SERVICE_*` in a container's environment and labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .model import Container

_PREFIX = "SERVICE_"
# What Go's strconv.Atoi takes for a number: only then is the first word a port.
_NUMBER = re.compile(r"[+-]?[0-9]+")


def metadata(container: Container, port: int) -> tuple[dict[str, str], frozenset[str]]:
    """The values for one container port, and which of them a port-specific key gave.

    Labels override the environment; `SERVICE_<port>_X` beats `SERVICE_X`; an empty value is none,
    and an empty `SERVICE_<port>_X` takes `SERVICE_X` away from this port.
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
    r"""A comma list; `\,` is a comma inside a tag, empty items are dropped, the order is kept.

    `reverse` is for upstream's master, which turns each list round; its last release does not.
    """
    parts = re.split(r"(?<!\\),", text)
    tags = tuple(part.replace("\\,", ",") for part in parts if part)
    return tags[::-1] if reverse else tags


def _pairs(env: Iterable[str], labels: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Keys and values, the stronger ones last.

    An entry without an equals sign has no value to give. Labels have no order of their own, so
    that of two which differ by case the same one wins each time.
    """
    for entry in env:
        key, equals, value = entry.partition("=")
        if equals:
            yield key, value
    yield from sorted(labels.items())
