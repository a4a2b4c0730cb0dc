"""The command, and an authority whose file is read."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.tests.support.drills.authorities import (
    authority_fixture,
)
from ansible_collections.rollcall.discovery.tests.support.drills.command import drill_fixture

__all__ = ["authority_fixture", "drill_fixture"]
