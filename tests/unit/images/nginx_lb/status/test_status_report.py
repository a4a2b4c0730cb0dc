"""What the balancer says of itself."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from nginx_lb.model import Skip
from nginx_lb.protection.guard import Hold
from nginx_lb.status import status_report
from nginx_lb.status.status_report import Report

from ..builders import endpoint, instances

STUB = """Active connections: 3
server accepts handled requests
 11 10 42
Reading: 0 Writing: 1 Waiting: 2
"""


def report(**changes: Any) -> Report:
    """A balancer with two instances of web, in contact with Consul."""
    services = {"web": instances(1, 2)}
    usual = Report(
        generation=7,
        services=services,
        leaving={},
        holds={},
        withdrawn={},
        skipped=(),
        skipped_total=0,
        reloads=6,
        refusals=0,
        render_age=12.5,
        contact_age=0.5,
        stale_after=15,
        problem="",
        deaf="",
        refused="",
        revision="r1",
        offered_revision="r1",
        settings_refused="",
        pending=False,
        synced=True,
    )
    return dataclasses.replace(usual, **changes)


HOLD = {"web": Hold("Consul has no leader", 0, frozenset({endpoint(2)}))}


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({}, "fresh", ""),
        ({"holds": HOLD}, "held", "web: Consul has no leader"),
        ({"contact_age": 16, "problem": "no answer"}, "stale", "no answer"),
        ({"contact_age": None}, "stale", "Consul has not answered yet"),
        ({"deaf": "429 Too Many Requests"}, "stale", "429 Too Many Requests"),
        (
            {"contact_age": 16, "problem": "no answer", "holds": HOLD},
            "stale",
            "no answer; web: Consul has no leader",
        ),
    ],
)
def test_the_state_has_its_reason(changes: dict[str, Any], state: str, reason: str) -> None:
    """Health says how it is, why, since when, and that it serves all the same."""
    said = status_report.health(report(**changes))
    assert (said["state"], said["reason"], said["status"]) == (state, reason, "ok")
    assert (said["generation"], said["age_seconds"]) == (7, 12.5)


def test_health_gives_no_address_away() -> None:
    """It is open to everybody who can reach the page."""
    assert "10.0.0" not in str(status_report.health(report(holds=HOLD)))


def test_a_removed_instance_is_shown_while_nginx_is_connected_to_it() -> None:
    """It gets no new request, and what it has begun to answer goes on."""
    said = status_report.instances(report(leaving={"web": instances(3)}))
    rows = [(row["address"], row["id"], row["in_rotation"]) for row in said["instances"]]
    assert rows == [
        ("10.0.0.1", "web-1", True),
        ("10.0.0.2", "web-2", True),
        ("10.0.0.3", "web-3", False),
    ]


def test_metrics_are_prometheus_text() -> None:
    """Every sample has its family's help and type, and labels cannot break out."""
    strange = report(services={'a"\n\\': instances(1)}, holds=HOLD, skipped=(Skip("a", "b"),))
    text = status_report.metrics(strange, STUB)
    for name in ("generation", "reloads_total", "render_age_seconds", "held", "skipped_total"):
        assert f"# TYPE nginx_lb_{name} " in text
    assert 'nginx_lb_instances{service="a\\"\\n\\\\"} 1' in text
    assert "nginx_lb_held 1" in text
    assert 'nginx_lb_held_instances{service="web"} 1' in text
    assert "nginx_lb_requests_total 42" in text
    assert 'nginx_lb_connections{state="waiting"} 2' in text
    families = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    samples = {line.split("{")[0].split()[0] for line in text.splitlines() if line[0] != "#"}
    assert samples <= families


def test_without_nginxs_counters_there_are_ours() -> None:
    """nginx that does not answer takes no metric of ours away."""
    assert "nginx_lb_requests_total" not in status_report.metrics(report(), None)


def test_the_status_says_which_settings_are_in_use() -> None:
    """Offered and refused, with the reason; and what is held and withdrawn of which service."""
    withdrawn = {"web": frozenset({endpoint(2)})}
    said = status_report.status(
        report(offered_revision="r2", settings_refused="no", holds=HOLD, withdrawn=withdrawn)
    )
    assert said["settings"] == {
        "revision": "r1",
        "offered_revision": "r2",
        "accepted": False,
        "reason": "no",
    }
    assert said["services"] == {
        "web": {"instances": 2, "held": ["10.0.0.2:80"], "withdrawn": ["10.0.0.2:80"]}
    }
