"""Modules as processes: each is a fork of one that has imported what they need."""

from __future__ import annotations

import concurrent.futures

import pytest
from rollcall_agents.modules import run_module

NOWHERE = "http://127.0.0.1:1"
MODULE = "rollcall.discovery.consul_cluster_status"


def test_a_call_has_its_own_environment() -> None:
    """Those of threads that call at the same time, and none of it stays for the next call."""
    places = [f"http://127.0.0.1:{port}" for port in (1, 2, 3)]

    def said(place: str) -> str:
        return str(run_module(MODULE, {}, {"CONSUL_HTTP_ADDR": place})["msg"])

    with concurrent.futures.ThreadPoolExecutor(len(places)) as pool:
        for place, sentence in zip(places, pool.map(said, places), strict=True):
            assert f" at {place}: no answer" in sentence
    assert " at http://127.0.0.1:8500" in run_module(MODULE, {"timeout": 1, "url": None})["msg"]


def test_check_mode_reaches_a_module() -> None:
    """With all else that Ansible puts among a module's arguments."""
    result = run_module(MODULE, {"url": NOWHERE, "_ansible_check_mode": True})
    assert (result["changed"], result["verdict"]) == (False, "unknown")


def test_a_module_that_breaks_fails_the_call() -> None:
    """With what it wrote to standard error, and the next call has what it needs."""
    with pytest.raises(AssertionError, match=r"No module named .*nothing"):
        run_module("rollcall.discovery.nothing", {})
    assert run_module(MODULE, {"url": NOWHERE})["failed"]
