"""The unit suite starts nothing."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.tests.support.edges import starts_nothing_fixture

__all__ = ["starts_nothing_fixture"]
