"""Signals as Docker and images write them, and the containers that one of them stops."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import container
from hypothesis import given
from hypothesis import strategies as st
from registrator.sync.draining import Draining, signal_number, stops


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("15", 15),
        ("SIGTERM", 15),
        ("TERM", 15),
        ("sigterm", 15),
        (" 9 ", 9),
        ("SIGQUIT", 3),
        ("WINCH", 28),
        ("RTMIN", 34),
        ("RTMIN+3", 37),
        ("SIGRTMIN+3", 37),
        ("SIGRTMAX-2", 62),
        ("sigrtmax", 64),
        ("37", 37),
        ("", None),
        ("SIG", None),
        ("RTMIN+", None),
        ("RTMIN*3", None),
        ("RTMIN+x", None),
        ("SIGNONSENSE", None),
        ("-1", None),
        ("²", None),
    ],
)
def test_a_signal_has_a_number(text: str, number: int | None) -> None:
    """With or without SIG, by name or by number, relative to the real-time ones or not."""
    assert signal_number(text) == number


@given(st.text(max_size=12))
def test_any_text_is_a_signal_or_none(text: str) -> None:
    """An image may say what it likes."""
    assert signal_number(text) is None or signal_number(text) == signal_number(text.upper())


@pytest.mark.parametrize(
    ("text", "own", "stopped"),
    [
        ("15", "SIGTERM", True),
        ("9", "SIGQUIT", True),
        ("28", "SIGWINCH", True),
        ("28", "28", True),
        ("WINCH", "SIGTERM", False),
        ("37", "SIGRTMIN+3", True),
        ("37", "RTMIN+4", False),
        ("1", "SIGTERM", False),
        ("1", "SIGHUP", True),
        ("10", "nonsense", False),
        ("nonsense", "nonsense", False),
    ],
)
def test_a_containers_own_signal_stops_it(text: str, own: str, stopped: bool) -> None:
    """What ends nearly every process, and what the container says that ends it."""
    assert stops(text, container(stop_signal=own)) is stopped


def test_an_unknown_container_is_stopped_by_what_ends_nearly_all() -> None:
    """A container that was not read yet is told apart by the signal alone."""
    assert stops("15", None)
    assert not stops("28", None)


def test_a_drain_lasts_as_long_as_the_container_may_take() -> None:
    """Its own grace and a margin."""
    draining = Draining()
    draining.begin("a", container(stop_timeout=3.0), 100.0)
    draining.begin("b", None, 100.0)
    draining.begin("c", container(stop_timeout=-1.0), 100.0)
    assert draining.now == {"a", "b", "c"}
    assert (draining.expire(104.9), draining.due()) == (frozenset(), 105.0)
    assert (draining.expire(105.0), draining.due()) == ({"a"}, 112.0)
    assert (draining.expire(112.0), draining.due()) == ({"b"}, 3700.0)


def test_a_drain_ends_with_its_container() -> None:
    """And ending what does not drain is no error."""
    draining = Draining()
    draining.begin("a", None, 0.0)
    draining.end("a")
    draining.end("a")
    assert (draining.now, draining.due()) == (frozenset(), None)
