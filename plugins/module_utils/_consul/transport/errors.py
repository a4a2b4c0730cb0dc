# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""What can go wrong between a module and a Consul agent, one sentence each."""

from __future__ import annotations


class ConsulError(Exception):
    """A request that failed; the message says what was attempted, where, and what to do."""


class Unreachable(ConsulError):
    """Nothing answered at the address, or not in time."""


class Forbidden(ConsulError):
    """The token may not do this."""


class RequestRefused(ConsulError):
    """The agent answered that the request is wrong."""


class Unavailable(ConsulError):
    """The agent answered that it cannot serve now, such as without a leader."""


class NotBootstrapped(Unavailable):
    """The server knows of no bootstrap: there was none, or it has just started and catches up."""
