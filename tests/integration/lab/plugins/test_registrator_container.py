"""registrator_container on a real engine: each of its EXAMPLES, next to the Registrator that runs.

The container of these stories has a name and host name of its own, and an agent that is not there:
it runs and registers nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.promises import (
    assert_promised,
    documented,
)

from ..conftest import Eventually, Lab

MODULE = "rollcall.discovery.registrator_container"
NAME = "registrator-example"
OWN = {"name": NAME, "hostname": NAME}
NO_AGENT = "consul://127.0.0.1:8599"
# Where an example has files that an open cluster has none of.
FILES = "/etc/rollcall/registrator"


EXAMPLES: list[dict[str, Any]] = documented("registrator_container", "EXAMPLES")
each_example = pytest.mark.parametrize("name", [task["name"] for task in EXAMPLES])


@dataclasses.dataclass(frozen=True)
class Runs:
    """One example: as predicted, and in its first and second real run."""

    predicted: dict[str, Any]
    first: dict[str, Any]
    second: dict[str, Any]


@pytest.fixture(scope="module")
def image(lab: Lab) -> str:
    """The image that the lab's Registrator runs."""
    return lab.ssh("host-1", "docker inspect -f '{{.Config.Image}}' registrator").strip()


def task(image: str, **options: Any) -> dict[str, Any]:
    """A call of the module for the container of these stories."""
    return {MODULE: {"image": image, "registry_uri": NO_AGENT, **OWN, **options}}


def remove(lab: Lab) -> None:
    """Take the container of these stories away."""
    lab.ssh("host-1", f"docker ps -aq --filter name=^{NAME}$ | xargs -r docker rm -f")


def inspect(lab: Lab, name: str = NAME) -> Any:
    """What the engine knows of a container."""
    return json.loads(lab.ssh("host-1", f"docker inspect {name}"))[0]


@pytest.fixture(scope="module", autouse=True)
def _the_other_stays(lab: Lab) -> Iterator[None]:
    """Remove what was made; the host's own Registrator is the same as before, all along."""
    before = inspect(lab, "registrator")
    remove(lab)
    yield
    remove(lab)
    after = inspect(lab, "registrator")
    # Its health check goes on all the time; that it runs since then is what counts.
    assert _life(after) == _life(before)
    assert not [key for key in lab.consul("/v1/agent/services") if key.startswith(f"{NAME}:")]


def _life(container: Any) -> tuple[str, bool, str]:
    """Which container it is, whether it runs, and since when."""
    state = container["State"]
    return container["Id"], state["Running"], state["StartedAt"]


@pytest.fixture(scope="module")
def examples(
    lab: Lab, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Runs]]:
    """Every example, run three times in the order of the documentation."""
    remove(lab)
    lab.ssh("host-1", f"mkdir -p {FILES} && touch {FILES}/token {FILES}/ca.pem")
    tasks = []
    for example in EXAMPLES:
        own = {**example, MODULE: {**example[MODULE], **task(image)[MODULE]}}
        tasks += [{**own, "check_mode": True}, own, own]
    results = lab.tasks(tmp_path_factory.mktemp("examples"), tasks)
    triples = zip(*[iter(results)] * 3, strict=True)
    yield {task["name"]: Runs(*runs) for task, runs in zip(EXAMPLES, triples, strict=True)}
    remove(lab)
    lab.ssh("host-1", f"find {FILES} -empty -delete")


@each_example
def test_an_example_does_something_and_as_predicted(examples: dict[str, Runs], name: str) -> None:
    """The first run changes the host, and check mode said with the same words that it would."""
    runs = examples[name]
    for run in (runs.predicted, runs.first):
        assert not run.get("failed"), run.get("msg")
        assert run["changed"]
    promised = ("name", "image", "action", "reasons")
    real, predicted = runs.first["container"], runs.predicted["container"]
    assert [predicted[key] for key in promised] == [real[key] for key in promised]
    assert runs.predicted["effective_options"] == runs.first["effective_options"]


@each_example
def test_a_second_run_of_an_example_changes_nothing(examples: dict[str, Runs], name: str) -> None:
    """Save for a restart, which is what was asked for."""
    (example,) = (task for task in EXAMPLES if task["name"] == name)
    restarts = example[MODULE].get("state") == "restarted"
    assert examples[name].second["changed"] is restarts


@each_example
def test_an_example_returns_what_is_promised(examples: dict[str, Runs], name: str) -> None:
    """As predicted, done, and with nothing left to do."""
    for run in dataclasses.astuple(examples[name]):
        # The callback that brings the results writes the module's name under `action`.
        assert_promised("registrator_container", run, added={"action"})


def test_the_examples_go_through_the_containers_life(examples: dict[str, Runs]) -> None:
    """From nothing to nothing, by each way a container can change."""
    actions = [runs.first["container"]["action"] for runs in examples.values()]
    assert actions[0] == "created"
    assert actions[-1] == "removed"
    assert {"recreated", "stopped", "started"} <= set(actions)


def test_a_prediction_leaves_the_host_as_it_is(lab: Lab, image: str, tmp_path: Any) -> None:
    """Check mode reports a container that nobody then finds."""
    remove(lab)
    (result,) = lab.tasks(tmp_path, [task(image)], "--check", "--diff")
    assert (result["changed"], result["container"]["id"]) == (True, None)
    assert result["diff"]["before"] == {NAME: {"state": "absent"}}
    assert NAME not in lab.ssh("host-1", "docker ps -a --format '{{.Names}}'").split()


def test_a_restart_starts_the_process_anew(lab: Lab, image: str, tmp_path: Any) -> None:
    """The same container, another process; predicted, nothing happens to it."""
    lab.tasks(tmp_path, [task(image)])
    before = inspect(lab)
    (predicted,) = lab.tasks(tmp_path, [task(image, state="restarted")], "--check")
    assert (predicted["changed"], _life(inspect(lab))) == (True, _life(before))
    (real,) = lab.tasks(tmp_path, [task(image, state="restarted")])
    assert (real["changed"], real["container"]["id"]) == (True, before["Id"])
    assert inspect(lab)["State"]["StartedAt"] > before["State"]["StartedAt"]


@pytest.mark.parametrize(
    ("mount", "socket"),
    [("directory", "/run/docker-host/docker.sock"), ("file", "/tmp/docker.sock")],
)
def test_the_daemon_finds_the_engines_socket(
    lab: Lab, image: str, tmp_path: Any, mount: str, socket: str
) -> None:
    """Either way of mounting leads to a socket that answers."""
    lab.tasks(tmp_path, [task(image, socket_mount=mount)])
    code = f"import socket as s; s.socket(s.AF_UNIX).connect('{socket}'); print('answers')"
    assert "answers" in lab.ssh("host-1", f'docker exec {NAME} python3 -c "{code}"')


def test_a_crash_loop_is_stopped_and_repaired(lab: Lab, image: str, tmp_path: Any) -> None:
    """A flag that the daemon does not know makes it restart for ever: both ways out work."""
    broken = task(image, extra_args=["-no-such-flag"], wait="none")
    first, stopped, again, repaired = lab.tasks(
        tmp_path,
        [
            broken,
            {MODULE: {**broken[MODULE], "state": "stopped"}},
            broken,
            task(image),
        ],
    )
    actions = [run["container"]["action"] for run in (first, stopped, again, repaired)]
    assert actions[1:] == ["stopped", "started", "recreated"], actions
    assert inspect(lab)["State"]["Status"] == "running"


def test_a_status_port_is_a_service_of_its_host(
    lab: Lab, image: str, tmp_path: Any, eventually: Eventually
) -> None:
    """The host's own Registrator registers it, as any container; it leaves with the container."""
    identifier = f"registrator-1:{NAME}:8405"
    lab.tasks(tmp_path, [task(image, http=":8405", service_name="announcer")])
    try:
        eventually(lambda: identifier in lab.consul("/v1/agent/services"), 10)
        found = lab.consul("/v1/agent/services")[identifier]
        assert (found["Service"], found["Port"]) == ("announcer", 8405)
        assert found["Meta"]["program"] == "registrator"
    finally:
        remove(lab)
    eventually(lambda: identifier not in lab.consul("/v1/agent/services"), 10)


def test_a_token_stays_in_its_file(lab: Lab, image: str, tmp_path: Any) -> None:
    """The daemon reads it; neither its environment nor its labels hold it."""
    path = "/run/registrator-example.token"
    lab.ssh("host-1", f"umask 077 && echo secret-token > {path}")
    try:
        lab.tasks(tmp_path, [task(image, token_file=path)])
        found = inspect(lab)
        assert "secret-token" not in json.dumps(found)
        (mount,) = (entry for entry in found["Mounts"] if entry["Source"] == path)
        assert mount["RW"] is False
        read = f"docker exec {NAME} sh -c 'cat $CONSUL_HTTP_TOKEN_FILE'"
        assert lab.ssh("host-1", read).strip() == "secret-token"
    finally:
        remove(lab)
        lab.ssh("host-1", f"rm -f {path}")


def test_a_missing_token_file_is_said_before_anything_changes(
    lab: Lab, image: str, tmp_path: Any
) -> None:
    """Docker would have put a folder in its place."""
    remove(lab)
    (result,) = lab.tasks(tmp_path, [task(image, token_file="/run/no-such.token")])
    assert "token_file /run/no-such.token is not a file on this host" in result["msg"]
    assert "absent" in lab.ssh("host-1", "test -e /run/no-such.token || echo absent")


@pytest.fixture
def registered(lab: Lab) -> Iterator[dict[str, dict[str, Any]]]:
    """Two services of this name in host-1's agent: one by mark, one by identifier."""
    services: dict[str, dict[str, Any]] = {
        "example-marked": {"Meta": {"registrator-owner": NAME}},
        f"{NAME}:web:80": {"Tags": ["by-upstream"]},
    }
    for identifier, more in services.items():
        service = {"ID": identifier, "Name": "example", "Address": "192.0.2.1", **more}
        lab.put("/v1/agent/service/register", service)
    yield services
    for identifier in services:
        lab.put(f"/v1/agent/service/deregister/{identifier}")


def test_its_services_are_read_from_its_agent(
    lab: Lab, image: str, tmp_path: Any, registered: dict[str, dict[str, Any]]
) -> None:
    """Those of the host's own Registrator, in the same agent, are left out."""
    stopped = task(image, state="stopped", registry_uri="consul://127.0.0.1:8500")
    (result,) = lab.tasks(tmp_path, [stopped])
    assert not result.get("failed"), result
    assert [service["id"] for service in result["services"]] == sorted(registered)
    assert result["services"][1]["tags"] == ["by-upstream"]


def test_an_agent_that_does_not_answer_is_a_warning(lab: Lab, image: str, tmp_path: Any) -> None:
    """The container runs, its services are not known, and the reason is said."""
    (result,) = lab.tasks(tmp_path, [task(image)])
    assert (result.get("failed", False), result["services"]) == (False, [])
    assert any(
        "127.0.0.1:8599" in str(warning) and "cannot read the services" in str(warning)
        for warning in result["warnings"]
    )
