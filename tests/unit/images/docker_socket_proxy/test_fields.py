"""What passes is what makes services: no word of another container's but that."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.expected_services import (
    RegistratorSettings,
    expected_services,
)
from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.builders import (
    WEB,
    described,
    happened,
)
from docker_socket_proxy import fields
from docker_socket_proxy.fields import INSPECTION, Unreadable
from registrator.docker import source
from registrator.docker.inspect import container_from

ENGINES = pathlib.Path(__file__).resolve().parents[1] / "registrator" / "golden" / "engines"
RECORDED = [
    pytest.param(found, id=f"{path.stem}-{name}")
    for path in sorted(ENGINES.glob("*.json"))
    for name, found in json.loads(path.read_text())["containers"].items()
]


def test_a_description_keeps_what_makes_services() -> None:
    """The whole of it, word for word: a field more is a decision."""
    assert fields.inspection(described()) == {
        "Id": WEB,
        "Name": "/web",
        "State": {
            "Running": True,
            "Paused": False,
            "Restarting": False,
            "ExitCode": 0,
            "Health": {"Status": "healthy"},
        },
        "Config": {
            "Image": "nginx:1.27",
            "Hostname": "c0ffee000000",
            "Env": ["SERVICE_NAME=web", "SERVICE_80_TAGS=a,b"],
            "Labels": {"SERVICE_80_NAME": "shop", "address": "10.0.0.9"},
            "ExposedPorts": {"80/tcp": {}},
            "StopSignal": "SIGQUIT",
            "StopTimeout": 30,
        },
        "HostConfig": {"NetworkMode": "default"},
        "NetworkSettings": {
            "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "443/tcp": None},
            "Networks": {"bridge": {"IPAddress": "172.17.0.2", "GlobalIPv6Address": ""}},
        },
    }


def test_no_secret_of_a_description_passes() -> None:
    """Neither of the environment nor of any other place that holds one."""
    assert "s3cret" in json.dumps(described())
    assert "s3cret" not in json.dumps(fields.inspection(described()))


@pytest.mark.parametrize("found", RECORDED)
def test_the_daemon_makes_the_same_of_a_reduced_description(found: dict[str, Any]) -> None:
    """For every recorded answer of every engine, whether it runs or not."""
    reduced = fields.inspection(found)
    original = container_from(found)
    container = container_from(reduced)
    if original is not None and container is not None:
        kept = tuple(entry for entry in original.env if entry.startswith("SERVICE_"))
        assert container.env == kept
        assert container == original.__class__(**{**vars(original), "env": kept})
    else:
        assert container is original is None
    assert reduced["State"].get("ExitCode") == found["State"].get("ExitCode")


@pytest.mark.parametrize("found", RECORDED)
def test_the_audits_rules_find_the_same_offers(found: dict[str, Any]) -> None:
    """The audit reads the engine itself; its second writing of the rules proves the first."""
    for rules in (
        RegistratorSettings("h", "10.0.0.1"),
        RegistratorSettings("h", internal=True),
        RegistratorSettings("h", label="addr"),
    ):
        assert expected_services(fields.inspection(found), rules) == expected_services(found, rules)


@pytest.mark.parametrize("kept", INSPECTION, ids=lambda kept: kept.path)
def test_each_field_that_is_kept_has_a_reason(kept: fields.AllowedField) -> None:
    """Who adds a field says who needs it."""
    assert kept.reason


def test_what_docker_nulls_is_not_there() -> None:
    """A container without labels, ports, health or networks is a container all the same."""
    found = described(
        Config={"Labels": None, "Env": None, "ExposedPorts": None, "StopTimeout": None},
        State={"Health": None},
        NetworkSettings={"Ports": None, "Networks": {"none": None}},
    )
    reduced = fields.inspection(found)
    assert set(reduced["Config"]) == {"Image", "Hostname", "StopSignal"}
    assert "Health" not in reduced["State"]
    assert reduced["NetworkSettings"] == {"Networks": {"none": {}}}


@pytest.mark.parametrize(
    "answer",
    [
        *(None, [], "a", 1, {}),
        {"Id": WEB},
        {"State": {"Running": True}},
        described(Id=1),
        described(State={"Running": "yes"}),
        described(State={"Running": None}),
        described(State={"ExitCode": True}),
        described(State=[]),
        described(Config={"Env": "SERVICE_NAME=web"}),
        described(Config={"Env": ["SERVICE_NAME=web", 1]}),
        described(Config={"Env": {"SERVICE_NAME": "web"}}),
        described(Config={"Labels": {"a": {"b": "c"}}}),
        described(Config={"Labels": ["a=b"]}),
        described(Config={"ExposedPorts": ["80/tcp"]}),
        described(Config={"Image": {"a": "b"}}),
        described(NetworkSettings={"Ports": {"80/tcp": {}}}),
        described(NetworkSettings={"Ports": {"80/tcp": ["8080"]}}),
        described(NetworkSettings={"Ports": {"80/tcp": [{"HostPort": 8080}]}}),
        described(NetworkSettings={"Networks": []}),
        described(NetworkSettings={"Networks": {"bridge": {"IPAddress": ["a"]}}}),
    ],
    ids=lambda answer: json.dumps(answer)[:40],
)
def test_a_description_of_another_shape_does_not_pass(answer: Any) -> None:
    """Half a description would end services that are well; what is nested could hide anything."""
    with pytest.raises(Unreadable):
        fields.inspection(answer)


def test_of_a_list_the_identifiers_pass() -> None:
    """The daemon inspects each: the list's names, commands, mounts and labels are not needed."""
    listed = [{"Id": WEB, "Names": ["/web"], "Command": "s3cret", "Mounts": [{"Source": "/x"}]}]
    assert fields.listing(listed) == [{"Id": WEB}]
    assert fields.listing([]) == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        "a",
        [1],
        [{}],
        [{"Id": WEB}, {}],
        [{"Id": 1}],
        [{"Id": "../x"}],
        [{"Id": WEB[:12]}],
    ],
    ids=str,
)
def test_a_list_with_an_entry_that_says_nothing_does_not_pass(answer: Any) -> None:
    """A shorter list would end the services of whoever is missing."""
    with pytest.raises(Unreadable):
        fields.listing(answer)


def test_of_a_version_what_the_client_needs_passes() -> None:
    """Not the kernel's, nor how the engine was built."""
    kept = {"ApiVersion": "1.52", "MinAPIVersion": "1.24", "Version": "29.0.0"}
    answer = {
        **kept,
        "KernelVersion": "6.1",
        "GitCommit": "abc",
        "Components": [{"Name": "containerd"}],
    }
    assert fields.version(answer) == kept
    for broken in ({"Version": "29"}, {"ApiVersion": 1}, []):
        with pytest.raises(Unreadable):
            fields.version(broken)


def test_an_event_is_reduced_to_its_action_its_container_and_a_signal() -> None:
    """A container's labels come with each of its events, and are read from its description."""
    assert fields.event(happened("kill", signal="15", secret="s3cret")) == {
        "Type": "container",
        "Action": "kill",
        "Actor": {"ID": WEB, "Attributes": {"signal": "15"}},
    }


@pytest.mark.parametrize("action", sorted(source._RELEVANT))
def test_every_event_that_the_daemon_hears_passes(action: str) -> None:
    """Both tables are one; the health that follows a colon is read from the description."""
    passed = fields.event(happened(f"{action}: healthy"))
    assert passed is not None
    assert passed["Action"] == action
    assert source._RELEVANT == fields.ACTIONS


@pytest.mark.parametrize(
    "event",
    [
        happened("exec_start: mysql -ps3cret"),
        happened("exec_create: mysql -ps3cret"),
        happened("create"),
        happened("attach"),
        happened(""),
        {**happened("start"), "Action": None},
        {**happened("start"), "Type": "network"},
        {**happened("start"), "Type": None},
        {"status": "start"},
        {},
    ],
    ids=lambda event: f"{event.get('Type')} {event.get('Action')}",
)
def test_any_other_event_does_not_pass(event: dict[str, Any]) -> None:
    """An exec's action is its whole command line."""
    assert fields.event(event) is None


@pytest.mark.parametrize("actor", [None, [], {}, {"ID": None, "Attributes": None}])
def test_an_event_without_an_actor_is_still_a_nudge(actor: Any) -> None:
    """The daemon looks at everything then."""
    passed = fields.event({"Type": "container", "Action": "start", "Actor": actor})
    assert passed is not None
    assert passed["Actor"] == {"ID": "", "Attributes": {}}


def test_what_is_no_event_ends_the_stream() -> None:
    """It cannot be known what was missed."""
    with pytest.raises(Unreadable):
        fields.event(["start"])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"message": "No such container: web"}, "No such container: web"),
        ({"message": "a" * 600, "secret": "s3cret"}, "a" * 500),
        *(({"message": 1}, ""), ({}, ""), ([], "")),
    ],
)
def test_of_a_failure_its_message_passes(answer: Any, said: str) -> None:
    """And not without end."""
    assert fields.message(answer) == said
