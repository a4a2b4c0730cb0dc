"""A TTL check is fed on change, and often enough."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import service
from registrator.sync.ttl_updates import Heartbeat, beat_of


@pytest.mark.parametrize(
    ("check", "every"), [({"TTL": "30s"}, 10.0), ({"TTL": "x"}, 10.0), (None, 10.0)]
)
def test_a_beat_comes_three_times_within_the_ttl(
    check: dict[str, str] | None, every: float
) -> None:
    """Two may be lost. Without a TTL that can be read it is Docker's own half minute."""
    beat = beat_of(service(check=check, health="passing"))
    assert beat.every == pytest.approx(every)
    assert beat.check_id == "service:host-1:web:80"
    assert beat.output == "Docker's HEALTHCHECK: passing"


def test_beats_are_due_on_change_and_in_time() -> None:
    """What was told lately and has not changed is not told again."""
    heartbeat = Heartbeat()
    healthy = service(check={"TTL": "30s"}, health="passing")
    ill = service(check={"TTL": "30s"}, health="critical")
    [beat] = heartbeat.beats([healthy, service("plain")], 0.0)
    heartbeat.sent(beat, 0.0)
    assert heartbeat.due() == 10.0
    assert heartbeat.beats([healthy], 9.9) == []
    assert [beat.status for beat in heartbeat.beats([ill], 1.0)] == ["critical"]
    assert len(heartbeat.beats([healthy], 10.0)) == 1


def test_who_is_forgotten_is_told_at_once() -> None:
    """A service that is registered anew, or one that is gone and comes back."""
    heartbeat = Heartbeat()
    healthy = service(health="passing")
    for forget in (lambda: heartbeat.forget(healthy.id), lambda: heartbeat.keep(set())):
        heartbeat.sent(heartbeat.beats([healthy], 0.0)[0], 0.0)
        forget()
        assert (heartbeat.due(), len(heartbeat.beats([healthy], 1.0))) == (None, 1)
    heartbeat.sent(beat_of(healthy), 0.0)
    heartbeat.keep({healthy.id})
    assert heartbeat.due() is not None
