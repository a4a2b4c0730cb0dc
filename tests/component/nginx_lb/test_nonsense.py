"""Whatever an agent answers ends no thread, and is never taken for a service without instances."""

from __future__ import annotations

import gzip
import json
import logging
from typing import Any

import pytest
from rollcall_agents.polling import eventually

from .fake_agent import FakeAgent, Raw
from .stage import Stage, at

INDEX = {"X-Consul-Index": "99"}


def body(value: Any) -> Raw:
    """An answer with this value."""
    return Raw(json.dumps(value).encode(), headers=INDEX)


NODE = {"Node": "n1", "Address": "10.9.9.9"}
SERVICE = {"ID": "a", "Service": "web", "Address": "", "Port": 80, "Tags": ["lb"]}
NONSENSE = {
    "an error": body({"error": "x"}),
    "null": body(None),
    "a list of null": body([None]),
    "a number": body(5),
    "a word": body("web"),
    "no JSON": Raw(b"<html>", headers=INDEX),
    "nothing": Raw(b"", headers=INDEX),
    "brackets": Raw(b"[" * 200_000, headers=INDEX),
    "damaged gzip": Raw(
        gzip.compress(b"[]" * 1000)[:-20], headers={**INDEX, "Content-Encoding": "gzip"}
    ),
    "no UTF-8": Raw(b'["\xff\xfe"]', headers=INDEX),
    "no index": Raw(b"[]", headers={"X-Consul-Index": "many"}),
}
SHAPES = {
    "services that are a number": {"Node": NODE, "Services": 5},
    "services that are a word": {"Node": NODE, "Services": "web"},
    "a service that is null": {"Node": NODE, "Services": [None]},
    "a service without a name": {"Node": NODE, "Services": [{**SERVICE, "Service": None}]},
    "a service with a number for an ID": {"Node": NODE, "Services": [{**SERVICE, "ID": 1}]},
    "tags that are a number": {"Node": NODE, "Services": [{**SERVICE, "Tags": 5}]},
    "a tag that is a number": {"Node": NODE, "Services": [{**SERVICE, "Tags": [5]}]},
    "no node": {"Services": []},
    "a node that is a number": {"Node": 5, "Services": []},
}


@pytest.mark.parametrize(
    ("path", "nodes"),
    [("/v1/catalog", 1), ("/v1/catalog", 2), ("/v1/health", 1)],
    ids=["services by node", "services by service", "checks"],
)
@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_waited_out(
    fake: FakeAgent, stage: Stage, answer: Raw, path: str, nodes: int
) -> None:
    """What was known stays, the trouble is there to see, and what comes after it is followed."""
    others: dict[str, dict[str, list[int]]] = {"n2": {"api": [4]}} if nodes == 2 else {}
    api = at(3, 4) if others else at(3)
    fake.has(n1={"web": [1, 2], "api": [3]}, **others)
    stage.follow("web")
    stage.sees(web=at(1, 2), api=api)
    fake.answers(path, answer)
    eventually("the trouble", lambda: stage.discovery.problem)
    assert stage.reported == {"web": at(1, 2), "api": api}
    fake.answers(path, None)
    fake.has(n1={"web": [1], "api": [3, 5]}, **others)
    stage.sees(web=at(1), api=[*api, *at(5)])
    eventually("no trouble", lambda: not stage.discovery.problem)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_services_of_another_form_are_nonsense(
    fake: FakeAgent, stage: Stage, shape: dict[str, Any]
) -> None:
    """A node whose services cannot be understood has those that it had."""
    stage.follow("web")
    stage.sees(web=at(1, 2), api=at(3))
    fake.answers("/v1/catalog/node-services", body(shape))
    fake.has(n1={"web": [1, 2], "api": [3, 4]})
    eventually("the trouble", lambda: stage.discovery.problem)
    assert stage.reported == {"web": at(1, 2), "api": at(3)}
    fake.answers("/v1/catalog/node-services", None)
    stage.sees(web=at(1, 2), api=at(3, 4))


def test_nonsense_at_the_start_is_no_report(fake: FakeAgent, stage: Stage) -> None:
    """Nothing is known until there is an answer."""
    fake.answers("/v1/catalog/node-services", body({"error": "x"}))
    stage.follow("web")
    eventually("the trouble", lambda: stage.discovery.problem)
    assert (stage.reported, stage.discovery.synced) == ({}, False)
    fake.answers("/v1/catalog/node-services", None)
    stage.sees(web=at(1, 2), api=at(3))
    assert stage.discovery.synced


def test_trouble_is_logged_once(
    fake: FakeAgent, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """However often a query is repeated, and whichever queries have the same trouble."""
    caplog.set_level(logging.INFO)
    stage.follow("web")
    stage.sees(web=at(1, 2), api=at(3))
    fake.answers("", Raw(b"rejected", 429))
    before = len(fake.asked)
    eventually("some attempts", lambda: len(fake.asked) > before + 9)
    fake.answers("", None)
    eventually("the end of it", lambda: "Consul answers every query again" in caplog.messages)
    [line, _end] = caplog.messages
    assert line.endswith(": 429 rejected")


@pytest.mark.parametrize(
    "name",
    ["..", ".", "a b", "a/b", "a//b", "a?b#c", "%2F", "ünï", "a\nb", "\x00", "\ud800", "x" * 9000],
)
def test_a_node_may_have_any_name(fake: FakeAgent, stage: Stage, name: str) -> None:
    """At worst it is skipped; its neighbours are followed."""
    fake.has(n1={"web": [1], "api": [2], "shop": [3]}, **{name: {}})
    stage.follow("web")
    stage.sees(web=at(1), api=at(2), shop=at(3))
    fake.has(n1={"web": [1], "api": [2], "shop": [4]}, **{name: {}})
    stage.sees(web=at(1), api=at(2), shop=at(4))
