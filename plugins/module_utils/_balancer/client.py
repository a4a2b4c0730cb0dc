# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Reads a balancer's status pages over HTTP."""

from __future__ import annotations

import http.client
import json
import typing as t

from ansible.module_utils.urls import open_url

from .status import BalancerStatus

_TIMEOUT_SECONDS = 5


class BalancerError(Exception):
    """A balancer does not answer or is not as wanted; the message says where and what to do."""


def read_status(url: str) -> BalancerStatus:
    """The balancer's current status. BalancerError without a usable answer."""
    return BalancerStatus(_page(url, "/status"), _page(url, "/instances"))


def _page(url: str, path: str) -> t.Mapping[str, t.Any]:
    address = url.rstrip("/") + path
    try:
        # Without a proxy: the balancer is on this host or in its network.
        answer = open_url(address, timeout=_TIMEOUT_SECONDS, use_proxy=False)
        found = json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise BalancerError(
            f"no balancer answers at {address}: {error}. See its log; the address is set by "
            "nginx_lb_status_address and nginx_lb_status_port"
        ) from error
    if not isinstance(found, dict):
        raise BalancerError(f"{address} is not a balancer's status page: it is not a JSON object")
    return found
