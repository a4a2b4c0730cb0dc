"""Containers as log lines name them."""

from __future__ import annotations

from .builders import container


def test_a_container_is_logged_by_twelve_characters() -> None:
    """Log lines carry the short identifier that Docker's own tools print."""
    entry = container("web")
    assert entry.short_id == entry.id[:12]
    assert len(entry.short_id) == 12
