"""A check of a service: read, refused, and told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.check import (
    Check,
    CheckStatus,
    failing,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.validation import (
    ServiceError,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import WEB, answer


@pytest.mark.parametrize(
    ("check", "definition"),
    [
        (
            {"http": "https://a/b", "interval": "1s", "method": "post", "headers": {"A": ["b", 1]}},
            {
                "HTTP": "https://a/b",
                "Interval": "1s",
                "Method": "POST",
                "Header": {"A": ["b", "1"]},
            },
        ),
        (
            {"grpc": "h:1/s", "interval": "1s", "grpc_use_tls": True, "tls_server_name": "h"},
            {"GRPC": "h:1/s", "Interval": "1s", "GRPCUseTLS": True, "TLSServerName": "h"},
        ),
        (
            {"docker_container_id": "c", "args": ["true"], "shell": "/bin/sh", "interval": "1s"},
            {"DockerContainerID": "c", "Args": ["true"], "Shell": "/bin/sh", "Interval": "1s"},
        ),
        (
            {"alias_service": "db", "alias_node": "n"},
            {"AliasService": "db", "AliasNode": "n"},
        ),
        (
            {"udp": "[::1]:53", "interval": "1m", "status": "passing", "notes": "a\nb"},
            {"UDP": "[::1]:53", "Interval": "1m", "Status": "passing", "Notes": "a\nb"},
        ),
    ],
)
def test_a_check_speaks_consuls_words(check: dict[str, Any], definition: dict[str, Any]) -> None:
    """Each kind with its options becomes the definition of the HTTP API."""
    sent = Check.from_params({"name": "c", **check}, "web-1", 1).definition
    assert {"CheckID": "service:web-1:c", "Name": "c", **definition} == sent


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ({}, "exactly one of http, tcp"),
        ({"tcp": "a:1", "ttl": "1s"}, "but has tcp and ttl"),
        ({"tcp": "a:1"}, "needs an interval"),
        ({"ttl": "1s", "interval": "1s"}, "interval is not valid for a ttl check"),
        ({"alias_node": "n", "timeout": "1s"}, "timeout is not valid for a alias_node check"),
        ({"tcp": "a:1", "interval": "1s", "method": "GET"}, "method is not valid for a tcp check"),
        (
            {"http": "http://a", "interval": "1s", "args": ["x"]},
            "args is not valid for a http check",
        ),
        ({"docker_container_id": "c", "interval": "1s"}, "needs args"),
        ({"http": "a/b", "interval": "1s"}, "is not a URL"),
        ({"tcp": "a", "interval": "1s"}, "is not host:port"),
        ({"udp": "a:0", "interval": "1s"}, "is not host:port"),
        ({"ttl": "10"}, "is not a duration"),
        ({"ttl": "1d"}, "is not a duration"),
        ({"ttl": "0s"}, "more than 0s"),
        ({"tcp": "a:1", "interval": "500ms"}, "the minimum is 1s"),
        ({"ttl": "1s", "deregister_critical_service_after": "59s"}, "the minimum is 60s"),
        (
            {"tcp": "a:1", "interval": "1s", "failures_before_warning": 2},
            "must not exceed failures_before_critical (0)",
        ),
        (
            {"tcp": "a:1", "interval": "1s", "success_before_passing": -1},
            "thresholds must not be negative",
        ),
        ({"http": "http://a", "interval": "1s", "method": "G T"}, "is not an HTTP method"),
        ({"http": "http://a", "interval": "1s", "headers": {"A": "b\nc"}}, "control character"),
    ],
)
def test_a_check_that_is_none_is_refused(check: dict[str, Any], said: str) -> None:
    """Exactly one kind, what it needs, and nothing that means nothing to it."""
    with pytest.raises(ServiceError) as refusal:
        Check.from_params(check, "web-1", 1)
    assert said in str(refusal.value)


def test_the_agents_checks_are_read() -> None:
    """A maintenance is one of them."""
    assert [
        CheckStatus.from_api(entry) for _id, entry in sorted(answer("agent-checks").items())
    ] == [
        CheckStatus("_service_maintenance:bare", "Service Maintenance Mode", "critical"),
        CheckStatus("service:web-1:answers", "answers", "passing"),
        CheckStatus("service:web-1:reports", "reports", "warning"),
    ]


def test_the_agent_knows_a_check_by_the_identifier_that_was_sent() -> None:
    """By it the checks that are there are told from those that are wanted."""
    wanted = [Check.from_params(each, "web-1", n).id for n, each in enumerate(WEB["checks"], 1)]
    assert set(wanted) < set(answer("agent-checks"))


def test_what_fails_is_named_with_what_it_said() -> None:
    """A phrase for each check that does not pass, on one line."""
    checks = [
        CheckStatus("a", "A", "passing"),
        CheckStatus("b", "B", "critical", "x\n y"),
        CheckStatus("c", "", "warning"),
    ]
    assert failing(checks) == ["B is critical: x y", "c is warning: no output yet"]
