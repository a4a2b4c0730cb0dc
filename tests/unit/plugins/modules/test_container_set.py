"""The module from its options to its answer, before an engine in memory."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker import converge
from ansible_collections.rollcall.discovery.plugins.modules import container_set as module
from ansible_collections.rollcall.discovery.tests.support.memory import IMAGE, OTHER, MemoryEngine
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept
from ansible_collections.rollcall.discovery.tests.support.running import outcome

Run = t.Callable[..., dict[str, t.Any]]


def web(name: str = "web-1", **more: t.Any) -> dict[str, t.Any]:
    """A container as a play describes it."""
    return {"name": name, "image": IMAGE, **more}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MemoryEngine:
    """The host's engine, with the library to speak to it."""
    found = MemoryEngine()
    monkeypatch.setattr(converge, "Engine", lambda _url, _timeout: found)
    monkeypatch.setattr(module, "require", lambda _module, _library: True)
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], engine: MemoryEngine) -> Run:
    """Run the module for these containers of the shop."""

    def run(*containers: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
        modes = {name: more.pop(name, False) for name in ("check", "diff")}
        options = {"owner": "shop", "containers": list(containers), **more}
        return outcome(module, capsys, options, **modes)

    return run


def actions(result: dict[str, t.Any]) -> dict[str, str]:
    """What happened to each container."""
    return {entry["name"]: entry["action"] for entry in result["containers"]}


def test_every_promise_is_kept(run: Run) -> None:
    """Of containers that are foreseen, made, made anew, left alone and removed."""
    steps = [
        run(web(), web("web-2"), check=True, diff=True),
        run(web(), web("web-2"), diff=True),
        run(web(image=OTHER), web("web-2")),
        run(web(image=OTHER)),
    ]
    assert [actions(step) for step in steps] == [
        {"web-1": "created", "web-2": "created"},
        {"web-1": "created", "web-2": "created"},
        {"web-1": "recreated", "web-2": "unchanged"},
        {"web-1": "unchanged", "web-2": "removed"},
    ]
    assert_kept("container_set", steps)


def test_an_exposed_port_recreates_once_and_is_shown(run: Run) -> None:
    """Foreseen with both sides; afterwards there is nothing to change."""
    run(web())
    exposed = web(exposed_ports=["8080"])
    predicted = run(exposed, check=True, diff=True)
    assert predicted["diff"]["after"]["web-1"]["exposed_ports"] == ["8080/tcp"]
    assert run(exposed)["containers"][0]["reasons"] == ["exposed_ports"]
    assert not run(exposed)["changed"]


def test_absent_removes_what_is_the_owners(run: Run, engine: MemoryEngine) -> None:
    """Another's stays."""
    engine.put("database", owner="bank")
    run(web())
    assert actions(run(state="absent")) == {"web-1": "removed"}
    assert set(engine.found) == {"database"}


def test_what_is_not_listed_stays_without_purge(run: Run, engine: MemoryEngine) -> None:
    """One call may be about some of them."""
    run(web())
    assert actions(run(web("web-2"), purge=False))["web-2"] == "created"
    assert set(engine.found) == {"web-1", "web-2"}


def test_it_is_waited_for_as_asked(run: Run, engine: MemoryEngine) -> None:
    """By the options that both modules of containers have."""
    run(web(), wait="healthy", wait_timeout=5)
    assert engine.done[-1] == "wait healthy 5 web-1"


def test_a_container_that_cannot_be_meant_is_refused(run: Run, engine: MemoryEngine) -> None:
    """In a sentence, and before anything is touched."""
    result = run(web(), web())
    assert result["failed"]
    assert "web-1" in result["msg"]
    assert engine.done == []
