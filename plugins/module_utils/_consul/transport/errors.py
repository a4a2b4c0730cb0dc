# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Errors of a request to a Consul agent."""

from __future__ import annotations


class ConsulError(Exception):
    """A request that failed; the message says what was attempted, where, and what to do."""


class Unreachable(ConsulError):
    """No answer from the address, or not in time."""


class Forbidden(ConsulError):
    """The ACL token lacks a permission."""


class TokenNotFound(Forbidden):
    """Consul does not know the ACL token, or the server has just started and not caught up yet."""


class RequestRefused(ConsulError):
    """The agent rejected the request as invalid."""


class Unavailable(ConsulError):
    """The agent cannot answer now, such as without a leader."""


class NotBootstrapped(Unavailable):
    """The ACL system is not bootstrapped, or the server has just started and not caught up yet."""


# What a restart of an agent may cause, and what passes by itself.
TRANSIENT = (Unreachable, Unavailable, TokenNotFound)
