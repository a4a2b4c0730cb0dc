"""The address at which others reach this host, where no -ip says it."""

from __future__ import annotations

import contextlib
import ipaddress
import socket

# Documentation's own networks: nothing is sent there, the kernel only chooses a route.
_ANYWHERE = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))


def own_address(hostname: str) -> str:
    """What the host's name resolves to, as upstream has it; else where the default route leaves.

    Many a system resolves its own name to 127.0.1.1, which nobody else can reach. Empty where
    there is neither.
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
    # IPv4 first: the order of the others is the resolver's.
    return [str(entry[4][0]) for entry in sorted(found, key=lambda entry: entry[0])]


def _routed() -> list[str]:
    addresses = []
    for target, family in _ANYWHERE:
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
