"""consul-template, played by a script: it is followed, and what it complains about is noticed."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import time

import pytest
from rollcall_agents.polling import eventually

from .fake_agent import FakeAgent
from .stage import Stage, at

# Writes what the file `says` has to where the configuration wants it, and `complains` to stderr.
SCRIPT = """\
#!/bin/sh
cd "$(dirname "$2")"
[ -e says ] && cp says snapshot.jsonl
cat complains >&2
[ -e ends ] && exit 3
exec sleep 1000
"""
WARNING = (
    "2026-12-01T04:44:01.058Z [WARN] (view) health.service(web|passing): Unexpected response code:"
    ' 429 (no) (retry attempt {} after "500ms")'
)
NOISE = "2026-12-01T04:44:01.058Z [ERR] (runner) sending server error back to caller"
PROBLEM = "consul-template: health.service(web|passing): Unexpected response code: 429 (no)"


@pytest.fixture(autouse=True)
def _template(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found first, and says one instance of web."""
    script = tmp_path / "consul-template"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    web = {"service": "web", "id": "a", "address": "10.0.0.1", "port": 80}
    says(tmp_path, {"service": "web"}, web)
    (tmp_path / "complains").write_text("")


def says(folder: pathlib.Path, *entries: dict[str, object]) -> None:
    """What the next one renders."""
    lines = [json.dumps(each) for each in (*entries, "end")]
    (folder / "says").write_text("\n".join(lines) + "\n")


def test_it_follows_a_few_services(stage: Stage) -> None:
    """And nobody else asks Consul anything."""
    stage.follow("web", tag="")
    stage.sees(web=at(1))
    assert stage.discovery.process is not None
    assert stage.discovery.synced
    assert stage.discovery.discovered is None


def test_one_follower_takes_over_from_the_other(fake: FakeAgent, stage: Stage) -> None:
    """There are never two, whichever services the settings name."""
    few = ("web",)
    many = ("web", *(f"service-{number}" for number in range(6)))
    more: dict[str, list[str]] = {name: [] for name in many[1:]}
    for _ in range(2):
        stage.follow(*few, tag="")
        assert not stage.discovery.synced
        stage.sees(web=at(1))
        stage.follow(*many, tag="")
        assert stage.discovery.process is None
        assert not stage.discovery.synced
        stage.sees(web=at(1, 2), **more)
        stage.discovery.supervise(time.monotonic())
        assert stage.discovery.process is None
    before = len(fake.asked)
    stage.follow(*few, tag="")
    stage.sees(web=at(1))
    fake.has(n1={"web": [7]})
    assert stage.reported == {"web": at(1)}
    assert len(fake.asked) - before <= 3


def test_settings_that_change_nothing_for_it_leave_it_alone(stage: Stage) -> None:
    """What it wrote last is read again."""
    stage.follow("web", tag="")
    stage.sees(web=at(1))
    process = stage.discovery.process
    stage.follow("web", tag="")
    assert stage.discovery.process is process
    assert stage.discovery.declared is not None


def test_requests_that_fail_are_there_to_see(
    stage: Stage, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Logged once however often it tries; after some seconds without any they are over."""
    caplog.set_level(logging.INFO)
    lines = [line for number in range(50) for line in (WARNING.format(number), NOISE)]
    (tmp_path / "complains").write_text("\n".join([*lines, "panic: oh", ""]))
    stage.follow("web", tag="")
    eventually("the trouble", lambda: stage.discovery.problem == PROBLEM)
    eventually("all it said", lambda: "consul-template: panic: oh" in caplog.messages)
    stage.sees(web=at(1))
    assert stage.discovery.heard_age(time.monotonic()) is None
    assert caplog.messages == [PROBLEM, "consul-template: panic: oh"]
    stage.discovery.supervise(time.monotonic() + 10)
    assert stage.discovery.problem == ""
    assert stage.discovery.heard_age(time.monotonic()) is not None
    assert caplog.messages[2:] == ["Consul answers every query again"]


def test_it_is_started_again_and_what_was_known_stays(stage: Stage, tmp_path: pathlib.Path) -> None:
    """One that ends, as it does after an answer with a null, is trouble."""
    stage.follow("web", tag="")
    stage.sees(web=at(1))
    (tmp_path / "ends").touch()
    (tmp_path / "says").unlink()
    process = stage.discovery.process
    assert process is not None
    process.kill()
    process.wait()

    def turn() -> bool:
        stage.discovery.supervise(time.monotonic())
        return stage.discovery.problem == "consul-template: ended with status 3"

    eventually("the trouble", turn)
    assert stage.reported == {"web": at(1)}
    (tmp_path / "ends").unlink()
    says(tmp_path, {"service": "web"})
    stage.sees(web=[])


def test_half_of_what_it_writes_is_nothing(stage: Stage, tmp_path: pathlib.Path) -> None:
    """What was known stays."""
    stage.follow("web", tag="")
    stage.sees(web=at(1))
    (tmp_path / "snapshot.jsonl").write_text('{"service":"web"}\n')
    assert stage.reported == {"web": at(1)}


def test_without_services_there_is_nothing_to_hear(stage: Stage) -> None:
    """And nothing to start."""
    stage.follow(tag="")
    assert stage.discovery.process is None
    assert stage.discovery.synced
    assert stage.discovery.heard_age(time.monotonic()) == 0
