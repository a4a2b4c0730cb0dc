"""A TTL check is fed on change, and often enough."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import service
from registrator.sync.ttl_updates import TtlUpdates, update_of


@pytest.mark.parametrize(
    ("check", "every"), [({"TTL": "30s"}, 10.0), ({"TTL": "x"}, 10.0), (None, 10.0)]
)
def test_an_update_is_sent_three_times_within_the_ttl(
    check: dict[str, str] | None, every: float
) -> None:
    """Two may be lost. Without a TTL that can be read it is Docker's own half minute."""
    update = update_of(service(check=check, health="passing"))
    assert update.every == pytest.approx(every)
    assert update.check_id == "service:host-1:web:80"
    assert update.output == "Docker's HEALTHCHECK: passing"


def test_updates_are_due_on_change_and_in_time() -> None:
    """What was told lately and has not changed is not told again."""
    updates = TtlUpdates()
    healthy = service(check={"TTL": "30s"}, health="passing")
    ill = service(check={"TTL": "30s"}, health="critical")
    [update] = updates.pending([healthy, service("plain")], 0.0)
    updates.sent(update, 0.0)
    assert updates.due() == 10.0
    assert updates.pending([healthy], 9.9) == []
    assert [update.status for update in updates.pending([ill], 1.0)] == ["critical"]
    assert len(updates.pending([healthy], 10.0)) == 1


def test_who_is_forgotten_is_told_at_once() -> None:
    """A service that is registered anew, or one that is gone and comes back."""
    updates = TtlUpdates()
    healthy = service(health="passing")
    for forget in (lambda: updates.forget(healthy.id), lambda: updates.retain(set())):
        updates.sent(updates.pending([healthy], 0.0)[0], 0.0)
        forget()
        assert (updates.due(), len(updates.pending([healthy], 1.0))) == (None, 1)
    updates.sent(update_of(healthy), 0.0)
    updates.retain({healthy.id})
    assert updates.due() is not None
