"""Offers a clock and agents on loopback."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.tests.support.registrator.clock import clock_fixture

from .loopback import (
    certificates_fixture,
    loopback_fixture,
    mutual_fixture,
    tls_fixture,
    unix_fixture,
)

__all__ = [
    "certificates_fixture",
    "clock_fixture",
    "loopback_fixture",
    "mutual_fixture",
    "tls_fixture",
    "unix_fixture",
]
