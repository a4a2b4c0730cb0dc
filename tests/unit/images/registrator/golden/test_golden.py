"""Recorded answers of real engines, and the registrations that the specification makes of them.

A case names its rule, the container of engines/*.json that it is about, the daemon's flags, what
is added to the recording (`labels`, `env`, `patch`), and the exact payloads and reasons expected.
The cases are written from the specification; record.py tells how the answers were recorded.
"""

from __future__ import annotations

import copy
import json
import pathlib
import re
import shlex
from typing import Any

import pytest
import yaml
from registrator.docker.inspect import container_from
from registrator.domain.plan import OWNER, registration
from registrator.domain.services import services_of
from registrator.domain.settings import parse

HERE = pathlib.Path(__file__).resolve().parent
HOST, HOST_IP = "host-1", "10.0.0.1"
ENGINES = {path.stem: json.loads(path.read_text()) for path in (HERE / "engines").glob("*.json")}
Case = dict[str, Any]


def read(path: pathlib.Path) -> list[Case]:
    """A file's cases, by the quick parser where there is one."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    cases: list[Case] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return cases


CASES = [case for path in sorted((HERE / "cases").glob("*.yml")) for case in read(path)]


def written(value: Any, engine: str, found: dict[str, Any]) -> Any:
    """A case's value for this engine: `$` names what differs from one recording to the next.

    `$id12` and `$image12` are the beginnings of identifiers, `$x513` is as many times an x, and a
    mapping by engine is that engine's value.
    """
    if isinstance(value, dict):
        if value and value.keys() <= ENGINES.keys():
            return written(value[engine], engine, found)
        return {str(key): written(part, engine, found) for key, part in value.items()}
    if isinstance(value, list):
        return [written(part, engine, found) for part in value]
    if not isinstance(value, str):
        return value
    value = value.replace("$id12", found["Id"][:12])
    value = value.replace("$image12", found["Image"].removeprefix("sha256:")[:12])
    return re.sub(r"\$x(\d+)", lambda match: "x" * int(match[1]), value)


def merged(found: Any, patch: Any) -> Any:
    """An answer with parts replaced; an empty mapping replaces the whole part."""
    if not isinstance(found, dict) or not isinstance(patch, dict) or not patch:
        return copy.deepcopy(patch)
    changed = {key: merged(found.get(key), value) for key, value in patch.items()}
    return {**found, **changed}


def answer(case: Case, engine: str) -> dict[str, Any]:
    """Docker's answer for the case's container."""
    found = ENGINES[engine]["containers"][case["container"]]
    labels = written(case.get("labels", {}), engine, found)
    found = merged(found, case.get("patch") or {"Name": found["Name"]})
    config = dict(found["Config"])
    config["Labels"] = {**config["Labels"], **labels}
    config["Env"] = [*config["Env"], *case.get("env", [])]
    return {**found, "Config": config}


def joined(found: dict[str, Any], engine: str) -> dict[str, Any] | None:
    """The answer for the container whose network this one uses."""
    other = found["HostConfig"]["NetworkMode"].removeprefix("container:")
    everyone = ENGINES[engine]["containers"].values()
    return next((entry for entry in everyone if entry["Id"] == other), None)


def registered(case: Case, engine: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The payloads without our marks, and the reasons, for what this engine says."""
    found = answer(case, engine)
    container = container_from(found, joined(found, engine))
    assert container is not None
    settings = parse([*shlex.split(case.get("flags", "")), "consul://127.0.0.1:8500"], {}, HOST)
    services, ignored = services_of(container, settings, case.get("own_ip", HOST_IP))
    bodies = [registration(service, HOST).body for service in services]
    for body in bodies:
        assert body["Meta"][OWNER] == HOST
        body["Meta"] = {key: body["Meta"][key] for key in body["Meta"] if "registrator-" not in key}
    return bodies, sorted(entry.reason for entry in ignored)


def expected(case: Case, engine: str) -> tuple[list[dict[str, Any]], list[str]]:
    """What the case says of this engine; no tags and no metadata unless it names them."""
    found = answer(case, engine)
    bodies = written(case.get("expect", []), engine, found)
    reasons = written(case.get("ignored", []), engine, found)
    return [{"Tags": [], "Meta": {}, **body} for body in bodies], sorted(reasons)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["rule"])
def test_a_recorded_container_is_registered_by_the_rules(case: Case) -> None:
    """What each engine says of the container becomes exactly these registrations."""
    engines = case.get("engines", sorted(ENGINES))
    found = {engine: registered(case, engine) for engine in engines}
    assert found == {engine: expected(case, engine) for engine in engines}


def test_the_table_is_large_and_says_each_thing_once() -> None:
    """150 cases at least, each with a rule of its own."""
    rules = [case["rule"] for case in CASES]
    assert len(rules) >= 150
    assert len(set(rules)) == len(rules)


def test_every_case_expects_something() -> None:
    """A container becomes a service or there is a reason why not."""
    assert [
        case["rule"] for case in CASES if not case.get("expect") and not case.get("ignored")
    ] == []


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_engine_was_asked_the_same(engine: str) -> None:
    """The recordings hold the same containers, but for what an engine cannot do."""
    cannot = {"20.10": {"only-six"}, "26.1": {"only-six"}}.get(engine, set())
    everything = {name for found in ENGINES.values() for name in found["containers"]}
    assert everything - ENGINES[engine]["containers"].keys() == cannot


def test_engine_29_has_no_address_at_the_top() -> None:
    """The shape that broke others is the shape that is tested (B13)."""
    for found in ENGINES["29"]["containers"].values():
        assert "IPAddress" not in found["NetworkSettings"]
