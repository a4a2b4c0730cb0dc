"""A balancer as values: whether it acknowledges what a play has changed."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._balancer.status import (
    BalancerStatus,
    WantedStatus,
    refusal,
    unmet,
)


def row(**changes: t.Any) -> dict[str, t.Any]:
    """An instance in rotation."""
    usual = {"service": "web", "id": "web-1", "address": "10.0.0.1", "port": 80}
    return {**usual, "in_rotation": True, **changes}


def seen(*rows: dict[str, t.Any], **changes: t.Any) -> BalancerStatus:
    """A balancer that is well, with these instances."""
    settings = {"revision": "r1", "offered_revision": "r1", "accepted": True, "reason": ""}
    settings.update(changes.pop("settings", {}))
    usual = {"state": "fresh", "reason": "", "synced": True, "settings": settings}
    return BalancerStatus({**usual, **changes}, {"instances": list(rows)})


@pytest.mark.parametrize("name", ["web-1", "10.0.0.1:80"])
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row()], "{name} is in rotation"),
        ([row(in_rotation=False)], "the load balancer has open connections to {name}"),
        ([row(id="other", port=81)], None),
        ([], None),
    ],
)
def test_an_instance_is_out_when_nothing_can_reach_it(
    rows: list[dict[str, t.Any]], name: str, said: str | None
) -> None:
    """Out of rotation, and without a connection."""
    expected = [said.format(name=name)] if said else []
    assert unmet(seen(*rows), WantedStatus(without=(name,))) == expected


def test_an_ipv6_address_is_written_in_brackets() -> None:
    """As in a URL."""
    six = row(address="2001:db8::1")
    assert unmet(seen(six), WantedStatus(serving=("[2001:db8::1]:80",))) == []


def test_what_serves_is_in_rotation() -> None:
    """A removed instance with an open connection does not serve."""
    wanted = WantedStatus(serving=("web-1",))
    assert unmet(seen(row()), wanted) == []
    assert unmet(seen(row(in_rotation=False)), wanted) == ["web-1 is not in rotation"]


def test_each_missing_thing_is_said() -> None:
    """Settings, sync with Consul and state."""
    found = unmet(
        seen(synced=False, state="stale", reason="no answer"),
        WantedStatus(settings="r2", synced=True, states=("fresh",)),
    )
    assert found == [
        "the settings r2 are not in use yet",
        "it is not synced with Consul: no answer",
        "its state is stale: no answer",
    ]


@pytest.mark.parametrize(("offered", "told"), [("r2", True), ("", True), ("r1", False)])
def test_refused_settings_are_not_waited_for(offered: str, told: bool) -> None:
    """The ones that are wanted, or some that could not even be read; not yesterday's."""
    settings = {"offered_revision": offered, "accepted": False, "reason": "no such thing"}
    found = refusal(seen(settings=settings), WantedStatus(settings="r2"))
    assert (found is not None and "no such thing" in found) is told
