"""Hostile registrations in a real catalog; tests/soak has thousands of them."""

from __future__ import annotations

import pathlib

from ansible_collections.rollcall.discovery.tests.support.balancer.hostile_catalog import (
    assert_harmless,
)
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage


def test_a_hostile_catalog_costs_nobody_a_request(
    stage: NginxStage, seed: int, tmp_path: pathlib.Path
) -> None:
    """nginx holds no word of theirs, the good instance serves on, and a naive template fails."""
    assert_harmless(stage, seed, 300, tmp_path)
