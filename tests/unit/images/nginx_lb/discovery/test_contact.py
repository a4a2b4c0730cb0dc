"""Whether Consul is heard."""

from __future__ import annotations

import logging
import time

import pytest
from nginx_lb.discovery.consul_client import ConsulError
from nginx_lb.discovery.contact import Contact


def test_it_is_as_old_as_the_query_that_waits_longest() -> None:
    """A query that never was answered is no age at all."""
    contact = Contact("nodes", "checks")
    contact.heard("nodes")
    assert contact.age(time.monotonic()) is None
    before = time.monotonic()
    contact.heard("checks")
    contact.heard("checks")
    age = contact.age(before + 100)
    assert age is not None
    assert age >= 100


def test_a_reason_is_logged_once_until_all_is_well(caplog: pytest.LogCaptureFixture) -> None:
    """By whichever query, and again when it comes back."""
    caplog.set_level(logging.INFO)
    contact = Contact("nodes", "checks")
    for _ in range(3):
        contact.failed("nodes", ConsulError("/nodes", "429 too many"))
        contact.failed("checks", ConsulError("/checks", "429 too many"))
    contact.failed("checks", ConsulError("/checks", "403 denied"))
    assert contact.problem == "/nodes: 429 too many"
    contact.heard("nodes")
    assert contact.problem == "/checks: 403 denied"
    contact.heard("checks")
    contact.heard("checks")
    assert contact.problem == ""
    contact.failed("nodes", ConsulError("/nodes", "429 too many"))
    assert caplog.messages == [
        "/nodes: 429 too many",
        "/checks: 403 denied",
        "Consul answers every query again",
        "/nodes: 429 too many",
    ]


def test_what_nobody_expects_is_logged_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    """Once, as everything."""
    contact = Contact("nodes")
    for _ in range(2):
        try:
            raise KeyError("who")
        except KeyError as error:
            contact.failed("nodes", error)
    [line] = caplog.messages
    assert "test_contact.py" in line
    assert "KeyError: 'who'" in line


def test_reasons_that_always_differ_do_not_fill_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An agent may write the time into each of its errors."""
    contact = Contact("nodes")
    for number in range(100):
        contact.failed("nodes", ConsulError("/nodes", f"500 at {number}"))
    assert len(caplog.messages) == 20
