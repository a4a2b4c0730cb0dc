"""The host's own address, for a daemon without -ip."""

from __future__ import annotations

import contextlib
import ipaddress
import socket

# Documentation networks: nothing is sent to them, the kernel only selects a route.
_ROUTE_TARGETS = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))


def host_address(hostname: str) -> str:
    """The address of the host's name, as in upstream; else the source address of the default route.

    Many systems resolve their own name to 127.0.1.1, which others cannot reach. Empty where there
    is neither.
    """
    for address in (*_resolved(hostname), *_routed()):
        if _reachable(address):
            return address
    return ""


def _resolved(hostname: str) -> list[str]:
    try:
        found = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    # IPv4 first, otherwise in the resolver's order.
    return [str(entry[4][0]) for entry in sorted(found, key=lambda entry: entry[0])]


def _routed() -> list[str]:
    addresses = []
    for target, family in _ROUTE_TARGETS:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            addresses.append(str(probe.getsockname()[0]))
    return addresses


def _reachable(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_link_local)
