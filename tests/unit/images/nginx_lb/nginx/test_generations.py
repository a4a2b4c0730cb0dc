"""Which workers may still send requests where."""

from __future__ import annotations

from nginx_lb.nginx.generations import after_reload, knowing, living

from ..builders import endpoint, instances


def test_an_instance_is_out_when_no_worker_knows_it() -> None:
    """Old workers answer on with the instances they know, until the last of them has ended."""
    first = after_reload((), 1, {"web": instances(1, 2)}, frozenset(), frozenset({10, 11}))
    second = after_reload(
        first, 2, {"web": instances(1)}, frozenset({10, 11}), frozenset({10, 11, 20, 21})
    )
    assert knowing(second, "web", endpoint(2)) == [1]
    assert knowing(second, "web", endpoint(1)) == [1, 2]
    assert [sorted(each.workers) for each in second] == [[10, 11], [20, 21]]
    later = living(second, frozenset({11, 20, 21}))
    assert knowing(later, "web", endpoint(2)) == [1]
    assert knowing(living(later, frozenset({20, 21})), "web", endpoint(2)) == []


def test_a_worker_forked_late_is_one_of_the_last() -> None:
    """nginx forks its workers one after the other, and the first may answer before the others."""
    first = after_reload((), 1, {"web": instances(1, 2)}, frozenset(), frozenset({10}))
    assert [sorted(each.workers) for each in living(first, frozenset({10, 11}))] == [[10, 11]]
    second = after_reload(
        first, 2, {"web": instances(1)}, frozenset({10, 11}), frozenset({11, 20, 21})
    )
    assert [sorted(each.workers) for each in second] == [[11], [20, 21]]
    assert knowing(second, "web", endpoint(2)) == [1]


def test_a_worker_in_the_place_of_a_dead_one_is_one_of_the_last() -> None:
    """All have died and were forked anew: what serves is known to who serves it."""
    first = after_reload((), 1, {"web": instances(1)}, frozenset(), frozenset({10}))
    assert knowing(living(first, frozenset({12})), "web", endpoint(1)) == [1]
