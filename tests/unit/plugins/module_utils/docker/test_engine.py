"""The Docker Engine through its SDK: what is read, what is sent, and what is said when it fails."""

from __future__ import annotations

import typing as t

import docker
import docker.errors
import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    OWNER_LABEL,
    SPEC_LABEL,
    Action,
    ActualContainer,
    ContainerError,
    ContainerSpec,
    nanoseconds,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.engine import (
    Engine,
    EngineError,
)
from ansible_collections.rollcall.discovery.tests.support.memory import MemoryEngine
from hypothesis import given, settings
from hypothesis import strategies as st

LAW = settings(max_examples=25, deadline=None, database=None)

REFUSED = docker.errors.APIError("400", explanation="the engine says no")


def wanted(name: str = "web", image: str = "web:1", **options: t.Any) -> ContainerSpec:
    """A wanted container of which only the named options matter."""
    return ContainerSpec.from_params({"name": name, "image": image, **options})


def created(**options: t.Any) -> Action:
    """The step that makes a container."""
    spec = wanted(**options)
    return Action(spec.name, "created", spec=spec)


def on_existing(
    action: str, name: str = "web", *, running: bool = True, status: str = ""
) -> Action:
    """A step for a container that is there."""
    found = ActualContainer(f"id-{name}", name, "sha256:1", running, {}, status)
    return Action(name, action, spec=wanted(name), actual=found)


def sent(engine: Engine, api: t.Any, **options: t.Any) -> dict[str, t.Any]:
    """What the engine is asked for when a container with these options is made."""
    engine.perform([created(**options)], "us")
    return api.sent["web"]


# Reaching it


def test_an_engine_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says where nobody answered, and which role installs an engine."""

    def refuse(**_connection: t.Any) -> t.NoReturn:
        raise docker.errors.DockerException("connection refused")

    monkeypatch.setattr(docker, "APIClient", refuse)
    with pytest.raises(EngineError, match=r"unix:///engine\.sock.*docker_host"):
        Engine("unix:///engine.sock", 5)


# Reading


def test_a_container_is_reduced_to_what_a_plan_needs(engine: Engine, api: t.Any) -> None:
    """Identifier, name, image, state and labels are read from the listing."""
    api.has("web", Labels={OWNER_LABEL: "us"})
    assert engine.containers() == [
        ActualContainer("id-web", "web", "sha256:1", True, {OWNER_LABEL: "us"}, "running")
    ]


def test_a_container_without_labels_has_no_owner(engine: Engine, api: t.Any) -> None:
    """The engine answers null for no labels."""
    api.has("web", Labels=None)
    assert engine.containers()[0].owner is None


def test_a_stopped_container_is_listed(engine: Engine, api: t.Any) -> None:
    """A container that does not run holds its name all the same."""
    api.has("web", "exited")
    assert [(found.name, found.running) for found in engine.containers()] == [("web", False)]


def test_a_linked_container_keeps_its_own_name(engine: Engine, api: t.Any) -> None:
    """The aliases that links give are not its name."""
    api.has("web", Names=["/proxy/backend", "/web"])
    assert engine.containers()[0].name == "web"


def test_a_dead_container_without_a_name_disturbs_nobody(engine: Engine, api: t.Any) -> None:
    """What is left of a failed removal has no name, and the others are listed all the same."""
    api.has("gone", "dead", Names=[])
    api.has("web")
    assert "web" in [found.name for found in engine.containers()]


def test_an_image_is_known_by_its_identifier(engine: Engine, api: t.Any) -> None:
    """A reference means what the engine says it means."""
    api.images["web:1"] = "sha256:1"
    assert engine.image_id("web:1") == "sha256:1"


def test_a_missing_image_is_no_error(engine: Engine) -> None:
    """An image that is not there yet has no identifier."""
    assert engine.image_id("web:1") is None


@pytest.mark.parametrize(
    ("method", "request_", "sentence"),
    [
        ("containers", lambda engine: engine.containers(), "cannot list the containers"),
        ("inspect_image", lambda engine: engine.image_id("web:1"), "cannot inspect image web:1"),
        ("inspect", lambda engine: engine.describe("web"), "cannot inspect container web"),
        ("stop", lambda engine: engine.stop("web"), "cannot stop container web"),
    ],
)
@pytest.mark.parametrize("error", [REFUSED, OSError("broken pipe")])
def test_a_refusal_says_what_was_attempted(
    engine: Engine,
    api: t.Any,
    method: str,
    request_: t.Callable[[Engine], object],
    sentence: str,
    error: Exception,
) -> None:
    """Whatever goes wrong becomes one error that names the attempt."""
    api.broken[method] = error
    with pytest.raises(EngineError, match=sentence):
        request_(engine)


def test_a_refusal_carries_the_engines_own_words(engine: Engine, api: t.Any) -> None:
    """The engine's explanation is passed on, with its address."""
    api.broken["containers"] = REFUSED
    with pytest.raises(EngineError, match=r"at unix:///engine\.sock: the engine says no"):
        engine.containers()


# Describing


def test_an_absent_container_has_no_description(engine: Engine) -> None:
    """After a removal there is nothing to tell."""
    assert engine.describe("web") == {}


def test_published_ports_are_described(engine: Engine, api: t.Any) -> None:
    """Ports that are exposed but not published are left out."""
    ports = {"80/tcp": [{"HostPort": "32768"}], "443/tcp": None}
    api.has("web", NetworkSettings={"Ports": ports})
    assert engine.describe("web")["ports"] == {"80/tcp": ["32768"]}


def test_the_first_address_is_described(engine: Engine, api: t.Any) -> None:
    """A network without an address does not hide the next one's."""
    networks = {"none": {"IPAddress": ""}, "bridge": {"IPAddress": "172.17.0.2"}}
    api.has("web", NetworkSettings={"Networks": networks})
    assert engine.describe("web")["address"] == "172.17.0.2"


@pytest.mark.parametrize("networks", [None, {}, {"host": {"IPAddress": ""}}])
def test_a_container_in_the_hosts_network_has_no_address(
    engine: Engine, api: t.Any, networks: dict[str, t.Any] | None
) -> None:
    """Without an address of its own the description holds an empty text."""
    api.has("web", NetworkSettings={"Networks": networks, "Ports": None})
    assert engine.describe("web") == {
        "id": "id-web",
        "image_id": "sha256:1",
        "ports": {},
        "address": "",
    }


def test_the_engine_in_memory_describes_in_the_same_words(engine: Engine, api: t.Any) -> None:
    """What the modules' tests take for an engine tells neither more nor less."""
    api.has("web")
    memory = MemoryEngine()
    memory.put("web")
    described = memory.describe("web")
    assert {key: type(value) for key, value in described.items()} == {
        key: type(value) for key, value in engine.describe("web").items()
    }


# Pulling


def test_a_pull_goes_to_its_end(engine: Engine, api: t.Any) -> None:
    """Messages of progress are no errors."""
    api.messages = [{"status": "Pulling"}, {"status": "Done"}]
    engine.pull("web:1")
    assert api.calls == [("pull", "web:1")]


def test_an_error_amid_a_pull_is_one(engine: Engine, api: t.Any) -> None:
    """The registry's error comes as a message of a pull that was accepted."""
    api.messages = [{"status": "Pulling"}, {"error": "manifest unknown"}]
    with pytest.raises(EngineError, match="cannot pull web:1: manifest unknown"):
        engine.pull("web:1")


def test_a_registry_that_does_not_answer_is_named(engine: Engine, api: t.Any) -> None:
    """The sentence holds the image and what to check."""
    api.broken["pull"] = OSError("timed out")
    with pytest.raises(EngineError, match=r"cannot pull web:1: timed out.*registry"):
        engine.pull("web:1")


# Creating


def test_a_plain_container_is_asked_for_plainly(engine: Engine, api: t.Any) -> None:
    """Without options the image's own command and entrypoint count."""
    asked = sent(engine, api)
    assert (asked["Image"], asked["Cmd"], asked["Entrypoint"]) == ("web:1", None, None)


def test_a_container_carries_its_owner_and_specification(engine: Engine, api: t.Any) -> None:
    """The two labels let the next run recognise what it made."""
    labels = sent(engine, api, labels={"tier": "front"})["Labels"]
    assert labels == {
        "tier": "front",
        OWNER_LABEL: "us",
        SPEC_LABEL: wanted(labels={"tier": "front"}).canonical,
    }


def test_nobody_can_give_our_containers_away(engine: Engine, api: t.Any) -> None:
    """A wanted label with the owner's name loses against the owner."""
    assert sent(engine, api, labels={OWNER_LABEL: "them"})["Labels"][OWNER_LABEL] == "us"


@pytest.mark.parametrize("value", [8080, True])
def test_a_label_reaches_the_engine_as_text(engine: Engine, api: t.Any, value: object) -> None:
    """A number or a boolean in YAML is a label's text for the engine."""
    assert isinstance(sent(engine, api, labels={"a": value})["Labels"]["a"], str)


def test_a_variable_reaches_the_engine_as_text(engine: Engine, api: t.Any) -> None:
    """A number in YAML is a variable's text for the engine."""
    assert sent(engine, api, env={"PORT": 8080})["Env"] == ["PORT=8080"]


def test_one_container_port_may_be_published_twice(engine: Engine, api: t.Any) -> None:
    """Every binding of a port arrives, a random one without a number."""
    asked = sent(engine, api, ports=["127.0.0.1:8080:80", "80", "53/udp"])
    assert asked["HostConfig"]["PortBindings"] == {
        "80/tcp": [
            {"HostIp": "127.0.0.1", "HostPort": "8080"},
            {"HostIp": "", "HostPort": ""},
        ],
        "53/udp": [{"HostIp": "", "HostPort": ""}],
    }


def test_an_exposed_port_is_not_published(engine: Engine, api: t.Any) -> None:
    """It stands beside the published ones, and no port of the host leads to it."""
    asked = sent(engine, api, ports=["80"], exposed_ports=["80", "8080", "53/udp"])
    assert set(asked["ExposedPorts"]) == {"80/tcp", "8080/tcp", "53/udp"}
    assert set(asked["HostConfig"]["PortBindings"]) == {"80/tcp"}


@pytest.mark.parametrize(
    ("options", "key", "value"),
    [
        ({}, "NetworkMode", "bridge"),
        ({"network_mode": "host"}, "NetworkMode", "host"),
        ({}, "RestartPolicy", {"Name": "unless-stopped"}),
        ({"volumes": ["/data:/data:ro"]}, "Binds", ["/data:/data:ro"]),
        ({"tmpfs": ["/tmp"]}, "Tmpfs", {"/tmp": ""}),
        ({"read_only": True}, "ReadonlyRootfs", True),
        ({"cap_drop": ["ALL"]}, "CapDrop", ["ALL"]),
        ({"cap_add": ["NET_ADMIN"]}, "CapAdd", ["NET_ADMIN"]),
        ({"security_opt": ["no-new-privileges"]}, "SecurityOpt", ["no-new-privileges"]),
        ({"memory": "64m"}, "Memory", 64 * 1024**2),
        ({"pids_limit": 64}, "PidsLimit", 64),
        ({"init": True}, "Init", True),
    ],
)
def test_an_option_of_the_host_reaches_the_engine(
    engine: Engine, api: t.Any, options: dict[str, t.Any], key: str, value: object
) -> None:
    """Each option arrives under the API's name for it."""
    assert sent(engine, api, **options)["HostConfig"][key] == value


@pytest.mark.parametrize(
    ("options", "key", "value"),
    [
        ({"command": ["a", "b c"]}, "Cmd", ["a", "b c"]),
        ({"entrypoint": ["/init"]}, "Entrypoint", ["/init"]),
        ({"hostname": "web-1"}, "Hostname", "web-1"),
        ({"user": "1000"}, "User", "1000"),
        ({"stop_signal": "SIGINT"}, "StopSignal", "SIGINT"),
        ({"stop_timeout": 30}, "StopTimeout", 30),
    ],
)
def test_an_option_of_the_container_reaches_the_engine(
    engine: Engine, api: t.Any, options: dict[str, t.Any], key: str, value: object
) -> None:
    """Each option arrives under the API's name for it."""
    assert sent(engine, api, **options)[key] == value


def test_a_health_check_is_counted_in_nanoseconds(engine: Engine, api: t.Any) -> None:
    """Durations arrive in the API's unit, and what is not given stays Docker's."""
    check = {"test": ["CMD", "true"], "interval": "2s", "timeout": "500ms", "start_period": None}
    assert sent(engine, api, healthcheck=check)["Healthcheck"] == {
        "Test": ["CMD", "true"],
        "Interval": 2 * 10**9,
        "Timeout": 5 * 10**8,
        "StartPeriod": None,
        "Retries": 3,
    }


def test_an_amount_that_is_none_is_said(engine: Engine) -> None:
    """A memory limit that is none is found while it is read, before a container is touched."""
    with pytest.raises(ContainerError, match="plenty"):
        engine.perform([created(memory="plenty")], "us")


# Carrying out


@pytest.mark.parametrize(
    ("step", "calls"),
    [
        (created(), [("create", "web"), ("start", "web")]),
        (Action("web", "created", spec=wanted(), starts=False), [("create", "web")]),
        (on_existing("started", running=False), [("start", "web")]),
        (on_existing("stopped"), [("stop", "web")]),
        (on_existing("restarted"), [("stop", "web"), ("start", "web")]),
        (on_existing("removed"), [("stop", "id-web"), ("remove", "id-web")]),
        (on_existing("removed", running=False), [("remove", "id-web")]),
        (
            on_existing("recreated"),
            [("stop", "id-web"), ("remove", "id-web"), ("create", "web"), ("start", "web")],
        ),
        (on_existing("unchanged"), []),
    ],
    ids=lambda value: f"{value.action}-{value.starts}" if isinstance(value, Action) else "",
)
def test_a_step_is_carried_out(
    engine: Engine, api: t.Any, step: Action, calls: list[tuple[str, str]]
) -> None:
    """Each step has its requests, in their order."""
    if step.actual:
        api.has("web", "running" if step.actual.running else "exited")
    engine.perform([step], "us")
    assert api.calls == calls


def test_names_and_ports_are_freed_first(engine: Engine, api: t.Any) -> None:
    """What goes is gone before the first new container is made."""
    api.has("old")
    engine.perform([created(), on_existing("removed", "old")], "us")
    assert [call for call, _name in api.calls] == ["stop", "remove", "create", "start"]


def test_one_failure_does_not_keep_the_others_from_their_end(engine: Engine, api: t.Any) -> None:
    """The error is raised after every other container was brought up."""
    others = [f"web-{number}" for number in range(50)]
    with pytest.raises(EngineError, match="start container absent"):
        engine.perform(
            [on_existing("started", "absent"), *(created(name=name) for name in others)], "us"
        )
    assert {("start", name) for name in others} <= set(api.calls)


@pytest.mark.parametrize("state", ["restarting", "paused"])
def test_a_container_that_does_not_run_well_can_be_replaced(
    engine: Engine, api: t.Any, state: str
) -> None:
    """What crashes again and again is what a corrected specification is for."""
    api.has("web", state, Labels={})
    (found,) = engine.containers()
    engine.perform([Action("web", "recreated", spec=wanted(), actual=found)], "us")
    assert api.containers_by_name["web"]["State"]["Status"] == "running"


def test_a_paused_container_is_brought_up(engine: Engine, api: t.Any) -> None:
    """A container that shall run and is paused runs in the end."""
    api.has("web", "paused")
    engine.perform([on_existing("started", running=False, status="paused")], "us")
    assert api.containers_by_name["web"]["State"]["Status"] == "running"


# Waiting


def test_containers_that_run_are_not_waited_for(engine: Engine, api: t.Any, clock: t.Any) -> None:
    """Where all is well, no time passes."""
    api.has("web")
    engine.wait(["web"], "running", 5)
    assert clock.now == 0


def test_waiting_ends_as_soon_as_it_may(engine: Engine, api: t.Any, clock: t.Any) -> None:
    """A container that comes up during the wait ends it."""
    api.has("web", "created")
    clock.then = lambda: api.has("web")
    engine.wait(["web"], "running", 5)
    assert 0 < clock.now < 1


@pytest.mark.parametrize("state", ["created", "exited", "restarting"])
def test_a_container_that_does_not_come_up_shows_its_log(
    engine: Engine, api: t.Any, clock: t.Any, state: str
) -> None:
    """At the deadline the sentence holds name, condition, seconds and the last lines."""
    api.has("web", state)
    api.log = b"no such host: db\xff\n"
    with pytest.raises(EngineError, match=r"web is not running after 5 s(?s:.)*no such host"):
        engine.wait(["web"], "running", 5)
    assert clock.now > 5


def test_a_log_that_cannot_be_read_hides_nothing(engine: Engine, api: t.Any, clock: t.Any) -> None:
    """With a logging driver that cannot be read, the sentence still names the container."""
    api.has("web", "exited")
    api.broken["logs"] = REFUSED
    with pytest.raises(EngineError, match="web"):
        engine.wait(["web"], "running", 1)


def with_health(status: str) -> dict[str, t.Any]:
    """The state of a running container with a health check."""
    return {"Status": "running", "Running": True, "Health": {"Status": status}}


def test_a_container_without_a_check_is_as_healthy_as_it_can_be(
    engine: Engine, api: t.Any, clock: t.Any
) -> None:
    """Where nothing tells the health, running is enough."""
    api.has("web")
    engine.wait(["web"], "healthy", 5)
    assert clock.now == 0


def test_a_healthy_container_is_waited_for(engine: Engine, api: t.Any, clock: t.Any) -> None:
    """A check that has yet to pass keeps the wait going until it does."""
    api.has("web", State=with_health("starting"))
    clock.then = lambda: api.has("web", State=with_health("healthy"))
    engine.wait(["web"], "healthy", 5)
    assert clock.now > 0


def test_running_is_enough_where_health_was_not_asked_for(
    engine: Engine, api: t.Any, clock: t.Any
) -> None:
    """An unhealthy container runs."""
    api.has("web", State=with_health("unhealthy"))
    engine.wait(["web"], "running", 5)
    assert clock.now == 0


def test_a_container_that_vanishes_ends_the_wait(engine: Engine, api: t.Any, clock: t.Any) -> None:
    """There is no waiting for what somebody removed."""
    with pytest.raises(EngineError, match="cannot inspect container web"):
        engine.wait(["web"], "running", 5)
    assert clock.now == 0


# Durations


@pytest.mark.parametrize(
    ("text", "count"), [("500ms", 500_000_000), ("2s", 2_000_000_000), ("1m", 60_000_000_000)]
)
def test_a_duration_is_read(text: str, count: int) -> None:
    """Each unit has its size."""
    assert nanoseconds(text) == count


@pytest.mark.parametrize("text", ["", "2", "s", "1.5s", "-1s", "1h", "2 s", "1m30s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """The sentence repeats what was written and shows how it is done."""
    with pytest.raises(ContainerError, match="is not a duration such as 500ms"):
        nanoseconds(text)


@LAW
@given(count=st.integers(0, 10**6))
def test_units_agree_with_each_other(count: int) -> None:
    """A minute is sixty seconds, a second a thousand milliseconds."""
    assert nanoseconds(f"{count}m") == nanoseconds(f"{60 * count}s")
    assert nanoseconds(f"{count}s") == nanoseconds(f"{1000 * count}ms")
