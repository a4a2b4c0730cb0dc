"""Reloads: at once, and seldom."""

from __future__ import annotations

from nginx_lb.nginx.reload_rate import ReloadRate


def reloads(changes: list[float], rate: ReloadRate) -> list[float]:
    """When the reloads come if each serves all changes before it."""
    found: list[float] = []
    while changes:
        at = max(changes[0], rate.due())
        found.append(at)
        rate = rate.reloaded(at)
        changes = [change for change in changes if change > at]
    return found


def test_a_lone_change_waits_for_nothing() -> None:
    """And another one a minute later neither."""
    assert reloads([5, 65], ReloadRate(1, 2.4)) == [5, 65]


def test_ten_seconds_of_changes_cost_six_reloads() -> None:
    """A hundred changes, the last of them served within the pause."""
    changes = [0.15 + number * 0.1 for number in range(100)]
    found = reloads(changes, ReloadRate(1, 2.4))
    assert len(found) <= 6
    assert 0 <= found[-1] - changes[-1] <= 2.4


def test_two_changes_are_a_second_apart() -> None:
    """Stop and start of one container: the second is not punished as churn."""
    assert reloads([0, 0.3], ReloadRate(1, 2.4)) == [0, 1]
