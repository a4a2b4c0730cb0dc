"""The unit suite starts nothing."""

from __future__ import annotations

# Imported here, not first in a test: ansible-core 2.21 has ldconfig look for libcrypt then, and
# urllib3 binds a socket to see whether there is IPv6.
import ansible.utils.encrypt  # noqa: F401
import urllib3  # noqa: F401
from ansible_collections.rollcall.discovery.tests.support.suite.edges import starts_nothing_fixture

__all__ = ["starts_nothing_fixture"]
