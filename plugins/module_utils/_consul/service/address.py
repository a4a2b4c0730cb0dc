# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Where a service is: its address, its tagged ones, and what none of them may be. No I/O."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .validation import ServiceError, refuse_control

_DERIVED = ("lan_ipv4", "wan_ipv4", "lan_ipv6", "wan_ipv6")


def tagged_from_params(addresses: t.Mapping[str, t.Any], port: int) -> dict[str, dict[str, t.Any]]:
    """Tagged addresses as given, each with its port, the service's by default."""
    tagged = {}
    for key, value in addresses.items():
        if (
            not isinstance(value, t.Mapping)
            or not value.get("address")
            or not set(value) <= {"address", "port"}
        ):
            raise ServiceError(
                f"tagged address {key!r} is not an 'address' and, if it differs, a 'port'"
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
    """The tagged addresses without those that the agent makes of the address by itself."""
    derived = {"address": address, "port": port}
    return {key: value for key, value in tagged.items() if key not in _DERIVED or value != derived}


def loopback(address: str) -> bool:
    """Whether an address is another one on each host."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def refuse_place(where: str, place: t.Mapping[str, t.Any]) -> None:
    """ServiceError for an address with more than an address in it, or a port that is none."""
    address = place["address"]
    refuse_control(where, {"address": address})
    if re.search(r"[\s/]", address) or re.fullmatch(r"[^:]+:\d+|\[.*", address):
        raise ServiceError(
            f"address {address!r} of {where} is not an IP address or host name alone"
        )
    if address in ("0.0.0.0", "::"):
        raise ServiceError(f"address {address} of {where} is where it listens, not where it is")
    if not 0 <= place["port"] <= 65535:
        raise ServiceError(f"port {place['port']} of {where} is not 0 to 65535")
