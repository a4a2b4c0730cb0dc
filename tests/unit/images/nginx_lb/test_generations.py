"""Which workers may still send requests where."""

from __future__ import annotations

from balancer.generations import after_reload, knowing, living

from .builders import instances, place


def test_an_instance_is_out_when_no_worker_knows_it() -> None:
    """Old workers answer on with the instances they know, until the last of them has ended."""
    first = after_reload((), 1, {"web": instances(1, 2)}, frozenset({10, 11}))
    second = after_reload(first, 2, {"web": instances(1)}, frozenset({10, 11, 20, 21}))
    assert knowing(second, "web", place(2)) == [1]
    assert knowing(second, "web", place(1)) == [1, 2]
    assert [sorted(each.workers) for each in second] == [[10, 11], [20, 21]]
    later = living(second, frozenset({11, 20, 21}))
    assert knowing(later, "web", place(2)) == [1]
    assert knowing(living(later, frozenset({20, 21})), "web", place(2)) == []
