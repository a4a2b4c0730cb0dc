"""The forms that Consul's answers have. Pure.

Each function raises ValueError for any other value: an answer of another form is none of Consul's,
and does not mean that there are no services.
"""

from __future__ import annotations

from typing import Any

from rollcall_common.json_text import decoded

__all__ = ["decoded", "mapping", "objects", "text", "texts"]


def objects(value: Any) -> list[dict[str, Any]]:
    """A list of objects."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError("the answer has no list of objects where one is expected")
    return value


def mapping(value: Any) -> dict[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        raise ValueError("the answer has no object where one is expected")
    return value


def text(value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ValueError("the answer has no text where one is expected")
    return value


def texts(value: Any) -> list[str]:
    """A list of texts; Consul writes null for an empty one."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError("the answer has no list of texts where one is expected")
    return value
