"""The module from its options to its answer, before an engine and an agent in memory."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    Unreachable,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker import converge
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.engine import EngineError
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.options import (
    CONNECTION,
    WAIT,
)
from ansible_collections.rollcall.discovery.plugins.modules import registrator_container as module
from ansible_collections.rollcall.discovery.tests.support.memory import IMAGE, MemoryEngine
from ansible_collections.rollcall.discovery.tests.support.promises import assert_kept
from ansible_collections.rollcall.discovery.tests.support.recorded import answer
from ansible_collections.rollcall.discovery.tests.support.running import outcome


class Result(dict[str, t.Any]):
    """What the module answered."""

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return bool(self.get("failed"))

    @property
    def action(self) -> str:
        """What was done to the container."""
        return str(self["container"]["action"])


class Stage:
    """A host, its agent, and the module to be run there."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A host with an empty engine and an agent without services."""
        self.engine = MemoryEngine()
        self.services: t.Any = {}
        self.asked: list[t.Any] = []
        self.warnings: list[str] = []
        self._capsys = capsys

    def connect(self, connection: t.Any) -> Stage:
        """Stand in for the agent's client."""
        self.asked.append(connection)
        return self

    def get(self, _path: str) -> t.Any:
        """The agent's answer, or the error it stands for."""
        if isinstance(self.services, Exception):
            raise self.services
        return self.services

    def run(self, *, check: bool = False, diff: bool = False, **options: t.Any) -> Result:
        """Run the module; hostname and nothing else is given unless the story says so."""
        args = {"hostname": "registrator-1", **options}
        return Result(outcome(module, self._capsys, args, check=check, diff=diff))


@pytest.fixture
def stage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The module's surroundings, all in memory."""
    found = Stage(capsys)
    monkeypatch.setattr(converge, "Engine", lambda _url, _timeout: found.engine)
    monkeypatch.setattr(module, "ConsulClient", found.connect)
    monkeypatch.setattr(module, "require", lambda _module, _library: True)
    monkeypatch.setattr(module.AnsibleModule, "warn", lambda _, text: found.warnings.append(text))
    return found


# States


@pytest.mark.parametrize(
    ("before", "state", "action", "after"),
    [
        (None, "present", "created", "running"),
        (None, "started", "created", "running"),
        (None, "stopped", "created", "exited"),
        (None, "restarted", "created", "running"),
        (None, "absent", "unchanged", None),
        ("running", "present", "unchanged", "running"),
        ("running", "started", "unchanged", "running"),
        ("running", "stopped", "stopped", "exited"),
        ("running", "restarted", "restarted", "running"),
        ("running", "absent", "removed", None),
        ("exited", "present", "unchanged", "exited"),
        ("exited", "started", "started", "running"),
        ("exited", "stopped", "unchanged", "exited"),
        ("exited", "restarted", "started", "running"),
        ("exited", "absent", "removed", None),
        ("restarting", "stopped", "stopped", "exited"),
        ("restarting", "restarted", "restarted", "running"),
        ("paused", "stopped", "stopped", "exited"),
    ],
)
def test_a_state_is_reached_as_predicted(
    stage: Stage, before: str | None, state: str, action: str, after: str | None
) -> None:
    """Check mode says what the real run does, and does nothing; then it is done."""
    if before:
        stage.run()
        stage.engine.turn("registrator", before)
    found = dict(stage.engine.found)
    predicted = stage.run(state=state, check=True)
    assert stage.engine.found == found
    real = stage.run(state=state)
    now = stage.engine.found.get("registrator")
    assert (predicted.action, predicted["changed"]) == (real.action, real["changed"])
    assert (real.action, real["changed"]) == (action, action != "unchanged")
    assert (now.status if now else None) == after


@pytest.mark.parametrize("state", ["present", "started", "stopped", "absent"])
def test_a_second_run_changes_nothing(stage: Stage, state: str) -> None:
    """Once reached, a state that describes how things are stays."""
    stage.run(state=state)
    again = stage.run(state=state)
    assert (again["changed"], again.action) == (False, "unchanged")


def test_restarting_is_a_change_every_time(stage: Stage) -> None:
    """The state says what to do, so each run does it, and check mode says so."""
    stage.run()
    runs = [stage.run(state="restarted", check=check) for check in (False, False, True)]
    assert [run["changed"] for run in runs] == [True, True, True]
    assert stage.engine.done.count("restarted registrator") == 2


# Recreating


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"ip": "192.0.2.1"}, ["command"]),
        ({"registry_uri": "consul://192.0.2.9:8500"}, ["command"]),
        ({"hostname": "registrator-2"}, ["hostname"]),
        ({"image": "other:2"}, ["image"]),
        ({"network_mode": "bridge"}, ["network_mode"]),
        ({"memory": "64m"}, ["memory"]),
        ({"http": ":8405"}, ["command", "exposed_ports", "labels"]),
        ({"http": ":8405", "service_name": ""}, ["command"]),
        ({"env": {"A": "1"}}, ["env"]),
        ({"docker_socket": "/run/d/docker.sock"}, ["volumes"]),
        ({"socket_mount": "file"}, ["env", "volumes"]),
        ({"socket_volume": "docker-socket-proxy"}, ["volumes"]),
    ],
)
def test_a_difference_recreates_and_is_named(
    stage: Stage, change: dict[str, t.Any], reasons: list[str]
) -> None:
    """The answer tells which option made it necessary."""
    stage.run()
    result = stage.run(**change)
    assert (result.action, result["container"]["reasons"]) == ("recreated", reasons)


@pytest.mark.parametrize(
    "change",
    [
        {"service_name": "announcer"},
        {"pull": "always"},
        {"wait": "healthy"},
        {"wait_timeout": 5},
        {"timeout": 5},
    ],
)
def test_what_is_no_part_of_the_container_recreates_nothing(
    stage: Stage, change: dict[str, t.Any]
) -> None:
    """How the module works is no difference in what it made."""
    stage.engine.images[IMAGE] = "sha256:pulled"
    stage.run()
    assert not stage.run(**change)["changed"]


def test_a_newer_image_of_the_same_name_is_a_reason(stage: Stage) -> None:
    """The name stayed, what it means did not."""
    stage.run()
    stage.engine.images[IMAGE] = "sha256:newer"
    assert stage.run()["container"]["reasons"] == [
        "image (the reference resolves to another image now)"
    ]


def test_the_diff_shows_both_sides(stage: Stage) -> None:
    """With --diff one sees the option that changes."""
    stage.run(memory="64m")
    diff = stage.run(memory="128m", check=True, diff=True)["diff"]
    assert diff["before"]["registrator"]["memory"] == "64m"
    assert diff["after"]["registrator"]["memory"] == "128m"


# Whose container


@pytest.mark.parametrize("state", ["started", "absent"])
def test_another_registrator_of_the_host_is_left_alone(stage: Stage, state: str) -> None:
    """One call is about one name."""
    stage.engine.put("registrator-blue")
    stage.run(name="registrator-green", state=state)
    assert "registrator-blue" in stage.engine.found


@pytest.mark.parametrize("state", ["started", "stopped", "absent"])
def test_a_container_that_somebody_else_made_is_refused(stage: Stage, state: str) -> None:
    """It is neither replaced nor removed, and the message says whose it is."""
    stage.engine.put("registrator", owner="somebody")
    result = stage.run(state=state)
    assert result.failed
    assert "belongs to another owner" in result["msg"]
    assert stage.engine.done == []


def test_the_container_keeps_the_owner_that_earlier_releases_gave_it(stage: Stage) -> None:
    """One that the role made before this module is recognised."""
    stage.run()
    assert stage.engine.found["registrator"].owner == "registrator"


# Waiting and pulling


@pytest.mark.parametrize(
    ("options", "waited"),
    [
        ({}, ["wait running 60 registrator"]),
        ({"wait": "healthy", "wait_timeout": 5}, ["wait healthy 5 registrator"]),
        ({"wait": "none"}, []),
        ({"state": "stopped"}, []),
    ],
)
def test_it_is_waited_for_as_asked(
    stage: Stage, options: dict[str, t.Any], waited: list[str]
) -> None:
    """What is not to run is not waited for."""
    stage.run(**options)
    assert [step for step in stage.engine.done if step.startswith("wait")] == waited


def test_a_missing_image_is_pulled_only_for_real(stage: Stage) -> None:
    """Check mode foresees the container without its image."""
    assert stage.run(image="far:1", check=True).action == "created"
    assert stage.engine.done == []
    stage.run(image="far:1")
    assert stage.engine.done[0] == "pull far:1"


# The answer


def test_the_answer_holds_the_daemons_options_and_command_line(stage: Stage) -> None:
    """In the daemon's words and in ours; what is missing is left to the daemon."""
    effective = stage.run(ip="192.0.2.1", extra_args=["-x"])["effective_options"]
    assert effective["command"] == [
        "-ip=192.0.2.1",
        "-resync=10",
        "-retry-attempts=-1",
        "-cleanup",
        "-x",
        "consul://127.0.0.1:8500",
    ]
    assert effective["options"] == {
        "ip": "192.0.2.1",
        "resync_seconds": 10,
        "retry_attempts": -1,
        "cleanup": True,
        "extra_args": ["-x"],
        "registry_uri": "consul://127.0.0.1:8500",
    }


def test_without_a_container_there_are_no_options(stage: Stage) -> None:
    """Removing needs no hostname, and no daemon is left that had options."""
    result = stage.run(state="absent", hostname=None)
    assert result["effective_options"] == {"command": [], "options": {}}
    assert (result["services"], stage.asked) == ([], [])


def test_every_promise_is_kept(stage: Stage) -> None:
    """On an empty host, after a change that recreates, in check mode, and when all is gone."""
    stage.services = answer("agent-services")
    options: dict[str, t.Any] = {"hostname": "host-1", "ip": "192.0.2.1"}
    runs = [
        stage.run(**options, check=True),
        stage.run(**options),
        stage.run(**options, memory="64m"),
        stage.run(state="absent"),
    ]
    assert_kept("registrator_container", runs)


def test_the_services_are_those_of_this_registrator(stage: Stage) -> None:
    """The agent of the registry is asked, and others' services are left out."""
    stage.services = answer("agent-services")
    result = stage.run(hostname="host-1", registry_uri="consul-tls://c:8501")
    assert [service["id"] for service in result["services"]] == ["host-1:shop:80"]
    assert stage.asked[0].url == "https://c:8501"


def test_the_agent_is_asked_with_the_token_of_the_file(
    stage: Stage, tmp_path: pathlib.Path
) -> None:
    """What the daemon may see, the module may report."""
    (tmp_path / "token").write_text("secret\n")
    stage.run(token_file=str(tmp_path / "token"))
    assert stage.asked[0].token == "secret"


def test_the_agent_is_asked_with_the_daemons_token(stage: Stage) -> None:
    """A token in the daemon's environment serves as well."""
    stage.run(env={"CONSUL_HTTP_TOKEN": "secret"})
    assert stage.asked[0].token == "secret"


def test_the_agent_is_believed_by_the_daemons_authority(
    stage: Stage, tmp_path: pathlib.Path
) -> None:
    """The file of the host, not what the daemon's own environment names inside its container."""
    ca = tmp_path / "ca.pem"
    ca.write_text("authority\n")
    stage.run(registry_uri="consul-tls://c:8501", ca_file=str(ca), env={"CONSUL_CACERT": "/inside"})
    assert stage.asked[0].verify == str(ca)


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("GET /v1/agent/services: no answer"),
        ImportError("No module named 'consul'"),
        TypeError("unexpected keyword argument 'connections_timeout'"),
    ],
)
def test_services_that_cannot_be_read_are_a_warning(stage: Stage, error: Exception) -> None:
    """The container is right whether or not its agent answers."""
    stage.services = error
    result = stage.run()
    assert (result.failed, result["changed"], result["services"]) == (False, True, [])
    assert "cannot read the services of registrator-1" in stage.warnings[0]
    assert str(error) in stage.warnings[0]


def test_a_registry_other_than_consul_is_not_asked(stage: Stage) -> None:
    """Another image may register elsewhere; that is nothing to warn of."""
    result = stage.run(registry_uri="etcd://e:2379")
    assert (result["services"], stage.asked, stage.warnings) == ([], [], [])


# What is refused, and hosts without an engine


@pytest.mark.parametrize("state", ["present", "started", "stopped", "restarted"])
def test_a_hostname_is_required_where_a_container_is(stage: Stage, state: str) -> None:
    """The daemon knows its services by it."""
    result = stage.run(state=state, hostname=None)
    assert result.failed
    assert "hostname" in result["msg"]


def test_a_contradiction_changes_nothing(stage: Stage) -> None:
    """What the daemon would end at is said before a container is touched."""
    result = stage.run(ttl=10)
    assert result.failed
    assert "ttl and ttl_refresh must be set together" in result["msg"]
    assert stage.engine.done == []


@pytest.mark.parametrize("option", ["token_file", "ca_file"])
def test_a_file_that_is_missing_is_refused(
    stage: Stage, tmp_path: pathlib.Path, option: str
) -> None:
    """Docker would put a folder in its place; check mode foresees that it may come."""
    path = str(tmp_path / "missing")
    assert stage.run(**{option: path}, check=True).action == "created"
    result = stage.run(**{option: path})
    assert result.failed
    assert f"{option} {path} is not a file on this host" in result["msg"]
    assert stage.engine.done == []


def test_an_engine_that_does_not_answer_fails_with_its_sentence(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real run needs it; a prediction says that everything will be made."""

    def connect(_url: str, _timeout: int) -> t.NoReturn:
        raise EngineError("no Docker Engine answers")

    monkeypatch.setattr(converge, "Engine", connect)
    assert stage.run(check=True).action == "created"
    assert stage.run()["msg"] == "no Docker Engine answers"


def test_a_host_without_the_sdk_is_foreseen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that is predicted would install it first."""
    monkeypatch.setattr(module, "require", lambda _module, _library: False)
    result = stage.run(check=True)
    assert (result.action, result["changed"], result["services"]) == ("created", True, [])
    assert (stage.asked, stage.warnings) == ([], [])


# The promises


def test_documentation_and_arguments_name_the_same_choices() -> None:
    """Defaults, types and choices are written twice, and are the same."""
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    common = {*CONNECTION, *WAIT}
    assert set(documented) == set(module.ARGUMENTS) - common
    for name, option in documented.items():
        argument = module.ARGUMENTS[name]
        for key in ("type", "elements", "choices", "default"):
            assert option.get(key) == argument.get(key), f"{name}: {key}"
