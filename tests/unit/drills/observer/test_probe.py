"""The mix of requests is the same in every run and has the shares that were asked for."""

from __future__ import annotations

import pytest
from rollcall_drills.observer.probe import is_fresh, is_post


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2, 0.5, 0.9, 1.0])
def test_shares_are_kept_in_every_stretch(share: float) -> None:
    """Any thousand requests hold the share within one in a hundred."""
    for start in (0, 777, 1_000_000):
        numbers = range(start, start + 1000)
        assert sum(is_post(n, share) for n in numbers) == pytest.approx(1000 * share, abs=10)
        assert sum(is_fresh(n, share) for n in numbers) == pytest.approx(1000 * share, abs=10)


@pytest.mark.parametrize(("post", "fresh"), [(0.2, 0.5), (0.5, 0.5), (0.2, 0.2)])
def test_posts_are_on_new_connections_as_often_as_others(post: float, fresh: float) -> None:
    """The two choices are independent, also where their shares are equal."""
    both = sum(is_post(n, post) and is_fresh(n, fresh) for n in range(10_000))
    assert both == pytest.approx(10_000 * post * fresh, abs=150)
