"""JSON of others."""

from __future__ import annotations

import pytest
from rollcall_common.json_text import decoded


@pytest.mark.parametrize("text", ['{"a": [1]}', b'{"a": [1]}'])
def test_a_value_is_read(text: str | bytes) -> None:
    """From text and from bytes."""
    assert decoded(text) == {"a": [1]}


@pytest.mark.parametrize("text", ["", "{", "[" * 200_000, b"\xff"])
def test_what_is_no_json_is_one_error(text: str | bytes) -> None:
    """Brackets within brackets too, which the library ends with another one."""
    with pytest.raises(ValueError, match=r"\S"):
        decoded(text)
