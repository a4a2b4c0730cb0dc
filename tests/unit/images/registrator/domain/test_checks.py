"""What a container says of its health becomes Consul's check: exactly one, or none."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST_IP,
    container,
    labelled,
    only,
    published,
    reasons,
    services,
)
from registrator.domain.model import Container

_AT = f"{HOST_IP}:32768"


@pytest.mark.parametrize(
    ("labels", "check"),
    [
        ({}, None),
        ({"HTTP": "/up"}, {"HTTP": f"http://{_AT}/up", "Interval": "10s"}),
        ({"HTTPS": "/up"}, {"HTTP": f"https://{_AT}/up", "Interval": "10s"}),
        (
            {"HTTP": "/up", "HTTP_METHOD": "HEAD"},
            {"HTTP": f"http://{_AT}/up", "Method": "HEAD", "Interval": "10s"},
        ),
        (
            {"HTTPS": "/up", "HTTPS_METHOD": "HEAD", "HTTP_METHOD": "PUT"},
            {"HTTP": f"https://{_AT}/up", "Method": "HEAD", "Interval": "10s"},
        ),
        ({"TTL": "30s"}, {"TTL": "30s"}),
        ({"TTL": "30s", "INTERVAL": "5s", "TIMEOUT": "1s"}, {"TTL": "30s"}),
        ({"TCP": "true"}, {"TCP": _AT, "Interval": "10s"}),
        ({"GRPC": "true"}, {"GRPC": _AT, "Interval": "10s"}),
        (
            {"GRPC": "true", "GRPC_USE_TLS": "true", "TLS_SKIP_VERIFY": "true"},
            {"GRPC": _AT, "GRPCUseTLS": True, "TLSSkipVerify": True, "Interval": "10s"},
        ),
        (
            {"HTTPS": "/up", "TLS_SKIP_VERIFY": "true"},
            {"HTTP": f"https://{_AT}/up", "TLSSkipVerify": True, "Interval": "10s"},
        ),
        (
            {"HTTP": "/up", "TLS_SKIP_VERIFY": "true"},
            {"HTTP": f"http://{_AT}/up", "Interval": "10s"},
        ),
        ({"HTTP": "@elsewhere/"}, {"HTTP": f"http://{_AT}/@elsewhere/", "Interval": "10s"}),
        ({"HTTP": "?deep"}, {"HTTP": f"http://{_AT}?deep", "Interval": "10s"}),
        (
            {"TCP": "true", "INTERVAL": "5s", "TIMEOUT": "1s"},
            {"TCP": _AT, "Interval": "5s", "Timeout": "1s"},
        ),
        (
            {"TTL": "30s", "INITIAL_STATUS": "passing", "DEREGISTER_AFTER": "1h"},
            {"TTL": "30s", "Status": "passing", "DeregisterCriticalServiceAfter": "1h"},
        ),
        ({"INTERVAL": "5s"}, None),
    ],
)
def test_labels_ask_for_a_check(labels: dict[str, str], check: dict[str, Any] | None) -> None:
    """Each kind of check becomes Consul's own keys, with upstream's defaults."""
    found = only(labelled(**{f"SERVICE_CHECK_{key}": text for key, text in labels.items()}))
    assert found.check == check


@pytest.mark.parametrize(
    ("first", "second"),
    list(itertools.combinations(["HTTP", "HTTPS", "CMD", "SCRIPT", "TTL", "TCP", "GRPC"], 2)),
)
def test_of_two_checks_the_first_kind_wins(first: str, second: str) -> None:
    """A service has exactly one check, whatever the labels' order."""
    alone = labelled(**{f"SERVICE_CHECK_{first}": "30s"})
    both = labelled(**{f"SERVICE_CHECK_{second}": "9s", f"SERVICE_CHECK_{first}": "30s"})
    assert only(both, script_checks=True).check == only(alone, script_checks=True).check


@pytest.mark.parametrize(
    ("kind", "key", "target"),
    [
        ("HTTP", "HTTP", "http://[2001:db8::7]:32768/"),
        ("HTTPS", "HTTP", "https://[2001:db8::7]:32768/"),
        ("TCP", "TCP", "[2001:db8::7]:32768"),
        ("GRPC", "GRPC", "[2001:db8::7]:32768"),
    ],
)
def test_a_check_brackets_an_ipv6_address(kind: str, key: str, target: str) -> None:
    """An IPv6 address and a port are told apart by brackets (B11)."""
    entry = labelled(published(80, ip="2001:db8::7"), **{f"SERVICE_CHECK_{kind}": "/"})
    check = only(entry).check
    assert check is not None
    assert check[key] == target


def test_two_ports_can_have_two_checks() -> None:
    """A check that is said of one port is that port's alone."""
    entry = labelled(published(80), published(9000), SERVICE_80_CHECK_TCP="true")
    assert [bool(service.check) for service in services(entry)] == [True, False]


@pytest.mark.parametrize("kind", ["SCRIPT", "CMD"])
def test_a_command_needs_the_operators_leave(kind: str) -> None:
    """Who may start a container may not run commands as the agent unless the operator says so."""
    entry = labelled(**{f"SERVICE_CHECK_{kind}": "true", "SERVICE_CHECK_TCP": "1"})
    assert services(entry) == []
    [reason] = reasons(entry)
    assert reason.endswith("runs a command, which needs -script-checks")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("curl -f $SERVICE_IP:$SERVICE_PORT", ["curl", "-f", _AT]),
        ("sh -c 'exit $SERVICE_PORT'", ["sh", "-c", "exit 32768"]),
        ("a  b\n\tc", ["a", "b", "c"]),
    ],
)
def test_a_script_is_words(script: str, words: list[str]) -> None:
    """The agent runs a program with arguments; upstream's one long word never was one."""
    check = only(labelled(SERVICE_CHECK_SCRIPT=script), script_checks=True).check
    assert check == {"Args": words, "Interval": "10s"}


def test_an_address_adds_no_words_to_a_script() -> None:
    """The line is split before anything is put in."""
    entry = container(
        labels={"SERVICE_CHECK_SCRIPT": "ping $SERVICE_IP", "ip": "10.0.0.9"},
    )
    check = only(entry, script_checks=True, use_ip_from_label="ip").check
    assert check == {"Args": ["ping", "10.0.0.9"], "Interval": "10s"}


def test_a_command_is_upstreams_helper() -> None:
    """CHECK_CMD calls the helper with the container, the exposed port and the words as one."""
    entry = labelled(SERVICE_CHECK_CMD="/bin/check it")
    check = only(entry, script_checks=True).check
    assert check is not None
    assert check["Args"] == ["check-cmd", entry.short_id, "80", "/bin/check it"]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"TCP": "1", "INTERVAL": "10"}, "check Interval '10' is not a duration"),
        ({"TCP": "1", "INTERVAL": "0s"}, "check Interval '0s' is not a duration"),
        ({"TCP": "1", "INTERVAL": "-5s"}, "check Interval '-5s' is not a duration"),
        ({"TTL": "s"}, "check TTL 's' is not a duration"),
        ({"TTL": "1m 30s"}, "check TTL '1m 30s' is not a duration"),
        ({"HTTP": "/", "TIMEOUT": "1d"}, "check Timeout '1d' is not a duration"),
        ({"HTTP": "/", "DEREGISTER_AFTER": "x"}, "check DeregisterCriticalServiceAfter 'x' is no"),
        ({"HTTP": "/", "INITIAL_STATUS": "up"}, "check status 'up' is not one of passing"),
        ({"HTTP": "/a\r\nb"}, "check HTTP has control characters"),
        ({"HTTP": "/" * 5000}, "check HTTP is longer than 4096 characters"),
        ({"SCRIPT": "'"}, "check_script cannot be split into arguments"),
        ({"SCRIPT": " "}, "check_script is empty"),
        ({"SCRIPT": "x" * 5000}, "check_script is longer than 4096 characters"),
        ({"SCRIPT": "a\0b"}, "check Args has control characters"),
    ],
)
def test_a_check_that_consul_would_refuse_is_told(labels: dict[str, str], reason: str) -> None:
    """Consul would refuse the whole service: the reason says which word it was."""
    entry = labelled(**{f"SERVICE_CHECK_{key}": text for key, text in labels.items()})
    assert services(entry, script_checks=True) == []
    [told] = reasons(entry, script_checks=True)
    assert told.startswith(f"port 80: {reason}")


@pytest.mark.parametrize("duration", ["10s", "1.5h", "1h30m", ".5s", "1.s", "500ms", "1m0s", "9µs"])
def test_a_duration_is_gos(duration: str) -> None:
    """Whatever Go reads as a duration is one."""
    assert only(labelled(SERVICE_CHECK_TTL=duration)).check == {"TTL": duration}


# Docker's HEALTHCHECK.


@pytest.mark.parametrize(
    ("docker", "paused", "status"),
    [
        ("healthy", False, "passing"),
        ("healthy", True, "critical"),
        ("starting", False, "critical"),
        ("unhealthy", False, "critical"),
    ],
)
def test_docker_health_becomes_a_check_to_feed(docker: str, paused: bool, status: str) -> None:
    """Docker's word is the first status of a TTL check, and what the loop feeds it with."""
    found = only(container(health=docker, paused=paused), docker_health=True)
    assert (found.check, found.health) == ({"TTL": "30s", "Status": status}, status)


@pytest.mark.parametrize(("resync", "ttl"), [(0, "30s"), (10, "30s"), (11, "33s"), (600, "1800s")])
def test_the_ttl_outlasts_three_looks(resync: int, ttl: str) -> None:
    """One look that is late makes no service critical."""
    check = only(container(health="healthy"), docker_health=True, resync=resync).check
    assert check is not None
    assert check["TTL"] == ttl


@pytest.mark.parametrize(
    ("entry", "asked"),
    [
        (container(health="healthy"), False),
        (container(), True),
        (container(health="healthy", labels={"SERVICE_CHECK_TCP": "1"}), True),
    ],
    ids=["not asked for", "no HEALTHCHECK", "a check of its own"],
)
def test_nobody_feeds_what_is_no_health_check(entry: Container, asked: bool) -> None:
    """Without -docker-health, without HEALTHCHECK or with a check of its own nothing is fed."""
    found = only(entry, docker_health=asked)
    assert found.health == ""
    assert "TTL" not in (found.check or {})
