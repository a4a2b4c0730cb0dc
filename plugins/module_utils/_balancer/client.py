# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Reads the status pages of a load balancer over HTTP."""

from __future__ import annotations

import http.client
import json
import typing as t

from ansible.module_utils.urls import open_url

from .status import BalancerStatus

_TIMEOUT_SECONDS = 5


class BalancerError(Exception):
    """A load balancer that does not answer, or not as wanted; says where and what to do."""


def read_status(url: str) -> BalancerStatus:
    """The current status. BalancerError without a valid answer."""
    return BalancerStatus(_page(url, "/status"), _page(url, "/instances"))


def _page(url: str, path: str) -> t.Mapping[str, t.Any]:
    address = url.rstrip("/") + path
    try:
        # Without a proxy: the balancer runs on this host or near it.
        answer = open_url(address, timeout=_TIMEOUT_SECONDS, use_proxy=False)
        found = json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise BalancerError(
            f"no load balancer answers at {address}: {error}. Check its log, and the variables "
            "nginx_lb_status_address and nginx_lb_status_port"
        ) from error
    if not isinstance(found, dict):
        raise BalancerError(
            f"{address} is not a status page of a load balancer: the answer is not a JSON object"
        )
    return found
