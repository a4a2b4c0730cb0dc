"""Reads JSON from others. Pure."""

from __future__ import annotations

import json
from typing import Any


def decoded(text: str | bytes) -> Any:
    """The value of a text. ValueError where it is no JSON.

    Thousands of brackets within each other are a RecursionError of the library's.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(str(error)) from None
