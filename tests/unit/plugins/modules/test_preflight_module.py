"""The half of `preflight` that runs on the host, on this one."""

from __future__ import annotations

import pathlib
import socket
import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.rollcall.discovery.plugins.modules import preflight as module
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept
from ansible_collections.rollcall.discovery.tests.support.running import outcome

Check = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def check(
    capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> Check:
    """Check these needs on a host where an engine is still to be installed, by a Debian's tools."""
    monkeypatch.setattr(module.shutil, "which", lambda name: f"/usr/bin/{name}")

    def check(**need: t.Any) -> dict[str, t.Any]:
        options = {"members": {}, "docker_socket": str(tmp_path / "docker.sock")}
        needs = [{"role": "web", **need}]
        return outcome(module, capsys, {**options, "needs": needs}, check=True)

    return check


@pytest.fixture
def port() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


@pytest.mark.parametrize(
    ("open_agent", "sentences"),
    [(True, ["consul-server is an agent of a closed cluster"]), (False, [])],
)
def test_a_closed_agent_is_not_opened(
    check: Check, monkeypatch: pytest.MonkeyPatch, open_agent: bool, sentences: list[str]
) -> None:
    """Who forgets the profile loses nothing."""
    monkeypatch.setattr(module.host.Docker, "closed", lambda _docker, _owner: ["consul-server"])
    problems = check(open_agent=open_agent)["problems"]
    assert [problem.partition(",")[0] for problem in problems] == sentences


def test_every_promise_is_kept(check: Check, port: int) -> None:
    """All is counted where all is well, and each thing that is not is told."""
    well = check(ports=["1/udp"], addresses=["127.0.0.1"], image=f"127.0.0.1:{port}/web:1")
    bad = check(ports=[f"{port}/tcp"], addresses=["203.0.113.7"], image="web:1", pull="never")
    assert well["checked"] == {"ports": 1, "addresses": 1, "images": 1}
    starts = [
        "address 203.0.113.7",
        f"port {port}/tcp is in use",
        "image web:1 is not on this host",
    ]
    for sentence, start in zip(bad["problems"], starts, strict=True):
        assert sentence.startswith(start)
    assert_kept("preflight", [well, bad])
