# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The address of a service, its tagged addresses, and their validation. No I/O."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .validation import ServiceError, refuse_control

_DERIVED = ("lan_ipv4", "wan_ipv4", "lan_ipv6", "wan_ipv6")


def tagged_from_params(addresses: t.Mapping[str, t.Any], port: int) -> dict[str, dict[str, t.Any]]:
    """The given tagged addresses, each with its port, by default the port of the service."""
    tagged = {}
    for key, value in addresses.items():
        if (
            not isinstance(value, t.Mapping)
            or not value.get("address")
            or not set(value) <= {"address", "port"}
        ):
            raise ServiceError(
                f"tagged address {key!r} must have 'address' and, optionally, 'port'"
            )
        try:
            own = int(port if value.get("port") is None else value["port"])
        except (TypeError, ValueError):
            raise ServiceError(f"port of tagged address {key!r} is not a number") from None
        tagged[key] = {"address": str(value["address"]), "port": own}
    return tagged


def without_derived(
    address: str, port: int, tagged: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, t.Mapping[str, t.Any]]:
    """The tagged addresses without those that the agent derives from the address."""
    derived = {"address": address, "port": port}
    return {key: value for key, value in tagged.items() if key not in _DERIVED or value != derived}


def loopback(address: str) -> bool:
    """Whether an address is a loopback address, which is a different one on each host."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def validate_endpoint(where: str, endpoint: t.Mapping[str, t.Any]) -> None:
    """ServiceError for an address that holds more than an address, or for an invalid port."""
    address = endpoint["address"]
    refuse_control(where, {"address": address})
    if re.search(r"[\s/]", address) or re.fullmatch(r"[^:]+:\d+|\[.*", address):
        raise ServiceError(f"address {address!r} of {where} is not a plain IP address or host name")
    if address in ("0.0.0.0", "::"):
        raise ServiceError(
            f"address {address} of {where} is a wildcard address: give one that clients can reach"
        )
    if not 0 <= endpoint["port"] <= 65535:
        raise ServiceError(f"port {endpoint['port']} of {where} is not between 0 and 65535")
