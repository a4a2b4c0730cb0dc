"""The unit suite starts nothing."""

from __future__ import annotations

# When it is first imported, ansible-core 2.21 has ldconfig look for libcrypt: not in a test.
import ansible.utils.encrypt  # noqa: F401
from ansible_collections.rollcall.discovery.tests.support.edges import starts_nothing_fixture

__all__ = ["starts_nothing_fixture"]
