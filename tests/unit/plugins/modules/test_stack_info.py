"""`stack_info` tells what it can see, and why it does not see the rest."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    Unreachable,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.engine import EngineError
from ansible_collections.rollcall.discovery.plugins.modules import stack_info as module
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept
from ansible_collections.rollcall.discovery.tests.support.running import outcome

Ask = t.Callable[..., dict[str, t.Any]]
CONTAINERS = [
    {
        "name": "web-1",
        "image": "web:1",
        "owner": "web",
        "status": "running",
        "health": "healthy",
        "addresses": ["172.17.0.2"],
        "ports": [{"host": 32768, "container": 80}],
    }
]
WORD = {
    "leader": "10.0.0.1:8300",
    "leader_node": "n1",
    "members": [{"name": "n1", "address": "10.0.0.1", "role": "server", "status": "alive"}],
    "instances": [
        {
            "service": "web",
            "id": "h1:web-1:80",
            "node": "n1",
            "address": "10.0.0.1",
            "port": 32768,
            "tags": ["blue"],
            "status": "passing",
        }
    ],
}


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Look at a host whose engine and agent answer, or not, where the libraries are, or not."""

    def ask(
        *, engine: bool = True, agent: bool = True, libraries: bool = True, **params: t.Any
    ) -> dict[str, t.Any]:
        def list_containers(_engine: object) -> list[dict[str, t.Any]]:
            if not engine:
                raise EngineError("no Docker Engine answers")
            return CONTAINERS

        def overview(_client: object) -> dict[str, t.Any]:
            if not agent:
                raise Unreachable("no agent answers")
            return WORD

        monkeypatch.setattr(module, "list_containers", list_containers)
        monkeypatch.setattr(module, "overview", overview)
        monkeypatch.setattr(module, "Engine", lambda url, timeout: (url, timeout))
        monkeypatch.setattr(module, "require", lambda *_: libraries)
        return outcome(module, capsys, params, check=not libraries)

    return ask


def test_every_promise_is_kept(ask: Ask) -> None:
    """By a host that is well, and by one of which nothing answers."""
    well, dead = ask(), ask(engine=False, agent=False)
    assert (well["containers"], well["consul"], well["problems"]) == (CONTAINERS, WORD, [])
    assert (dead["containers"], dead["consul"]) == ([], None)
    assert_kept("stack_info", [well, dead])


@pytest.mark.parametrize(
    ("engine", "agent", "said"),
    [
        (False, True, ["no Docker Engine answers"]),
        (True, False, ["no agent answers"]),
        (False, False, ["no Docker Engine answers", "no agent answers"]),
    ],
)
def test_one_that_does_not_answer_leaves_the_other(
    ask: Ask, engine: bool, agent: bool, said: list[str]
) -> None:
    """Each has its own sentence, and the module does not fail."""
    told = ask(engine=engine, agent=agent)
    assert (bool(told["containers"]), bool(told["consul"])) == (engine, agent)
    assert (told["problems"], told["changed"]) == (said, False)


def test_before_the_libraries_are_there_it_says_so(ask: Ask) -> None:
    """In a dry run."""
    assert len(ask(libraries=False)["problems"]) == 2


def test_what_cannot_be_meant_is_an_error(ask: Ask) -> None:
    """No agent is asked."""
    assert "it must be at least 1 second" in ask(timeout=0)["msg"]
