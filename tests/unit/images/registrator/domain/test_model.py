"""Containers as log lines name them."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    container,
    service,
)


def test_a_container_is_logged_by_twelve_characters() -> None:
    """Log lines carry the short identifier that Docker's own tools print."""
    entry = container("web")
    assert entry.short_id == entry.id[:12]
    assert len(entry.short_id) == 12


def test_nothing_is_said_of_health_unless_docker_says_it() -> None:
    """A container is neither healthy nor paused, a service neither weighted nor fed, by default."""
    entry, offered = container(), service()
    assert (entry.health, entry.paused) == ("", False)
    assert (offered.health, offered.weights, offered.enable_tag_override) == ("", None, False)
