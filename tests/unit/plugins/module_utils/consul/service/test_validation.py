"""Texts of a service: durations, and what none may hold."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.validation import (
    ServiceError,
    refuse_control,
    refuse_path,
    seconds_of,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("1h1m1.5s", 3661.5),
        (".5m", 30),
        ("250ms", 0.25),
        ("2µs", 2e-6),
        ("", None),
        ("1", None),
        ("1 s", None),
        ("-1s", None),
        ("s", None),
    ],
)
def test_durations_are_gos(text: str, seconds: float | None) -> None:
    """What Go's time.ParseDuration takes, without a sign."""
    assert seconds_of(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "\x7f", "a\u2028b", "a\u2029"])
def test_a_text_with_what_nobody_sees_is_refused(text: str) -> None:
    """A line break in a tag ends up in somebody's configuration."""
    with pytest.raises(ServiceError, match="tag of service 'web' has a control character"):
        refuse_control("service 'web'", {"name": "web", "tag": text})


@pytest.mark.parametrize("text", ["a//b", "/a", "a/", "../b", "a/./b", ""])
def test_a_path_that_a_server_would_rewrite_is_refused(text: str) -> None:
    """The agent would answer for another identifier."""
    with pytest.raises(ServiceError, match=r"id '.*' has an empty, '.' or '..' segment"):
        refuse_path("id", text)


@pytest.mark.parametrize("text", ["a/b", "a b/ü?c#%41", "..a", "host:web:80"])
def test_any_other_path_stays_as_it_was_written(text: str) -> None:
    """Slashes and what must be quoted are no mistake."""
    assert refuse_path("id", text) is None
