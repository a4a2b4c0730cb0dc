"""The public vocabulary: `SERVICE_*` in a container's environment and labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .model import Container

_PREFIX = "SERVICE_"


def metadata(container: Container, port: int) -> tuple[dict[str, str], frozenset[str]]:
    """The values for one container port, and which of them a port-specific key gave.

    Labels override the environment; `SERVICE_<port>_X` beats `SERVICE_X`; an empty value is none.
    """
    general: dict[str, str] = {}
    specific: dict[str, str] = {}
    for key, value in _pairs(container.env, container.labels):
        if not key.startswith(_PREFIX):
            continue
        name = key[len(_PREFIX) :].lower()
        head, _underscore, tail = name.partition("_")
        if head.isdigit() and tail:
            if int(head) == port:
                _put(specific, tail, value)
        else:
            _put(general, name, value)
    return {**general, **specific}, frozenset(specific)


def split_tags(text: str) -> tuple[str, ...]:
    r"""A comma list; `\,` is a comma inside a tag, empty items are dropped, the order is kept."""
    parts = re.split(r"(?<!\\),", text)
    return tuple(part.replace("\\,", ",") for part in parts if part)


def _pairs(env: Iterable[str], labels: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for entry in env:
        key, _equals, value = entry.partition("=")
        yield key, value
    yield from labels.items()


def _put(into: dict[str, str], key: str, value: str) -> None:
    if value:
        into[key] = value
    else:
        into.pop(key, None)
