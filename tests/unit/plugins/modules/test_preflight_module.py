"""The half of `preflight` that runs on the host."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.modules import preflight as module
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept
from ansible_collections.rollcall.discovery.tests.support.running import outcome

Check = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Check:
    """Check these needs on a host where an engine is still to be installed, by a Debian's tools.

    It has 127.0.0.1, port 8500 is taken, and every registry answers.
    """
    monkeypatch.setattr(module.shutil, "which", lambda name: f"/usr/bin/{name}")
    for name, known in {
        "has_address": lambda address: address == "127.0.0.1",
        "listeners": lambda: {"8500/tcp": "inode"},
        "holders": lambda inodes: dict.fromkeys(inodes, 4711),
        "reachable": lambda reference: None,
    }.items():
        monkeypatch.setattr(module.host, name, known)
    monkeypatch.setattr(module.host.Docker, "get", lambda docker, path: None)

    def check(**need: t.Any) -> dict[str, t.Any]:
        return outcome(
            module, capsys, {"members": {}, "needs": [{"role": "web", **need}]}, check=True
        )

    return check


@pytest.mark.parametrize(
    ("open_agent", "sentences"),
    [(True, ["consul-server is an agent of a secure cluster"]), (False, [])],
)
def test_a_secure_agent_is_not_opened(
    check: Check, monkeypatch: pytest.MonkeyPatch, open_agent: bool, sentences: list[str]
) -> None:
    """Who forgets the profile loses nothing."""
    monkeypatch.setattr(
        module.host.Docker, "secure_containers", lambda _docker, _owner: ["consul-server"]
    )
    problems = check(open_agent=open_agent)["problems"]
    assert [problem.partition(",")[0] for problem in problems] == sentences


def test_every_promise_is_kept(check: Check) -> None:
    """All is counted where all is well, and each thing that is not is told."""
    well = check(ports=["1/udp"], addresses=["127.0.0.1"], image="127.0.0.1:5000/web:1")
    bad = check(ports=["8500/tcp"], addresses=["203.0.113.7"], image="web:1", pull="never")
    assert well["checked"] == {"ports": 1, "addresses": 1, "images": 1}
    starts = [
        "the advertise address 203.0.113.7",
        "port 8500/tcp is in use",
        "image web:1 is not on this host",
    ]
    for sentence, start in zip(bad["problems"], starts, strict=True):
        assert sentence.startswith(start)
    assert_kept("preflight", [well, bad])
