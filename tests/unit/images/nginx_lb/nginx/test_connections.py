"""Whom nginx is connected to, as the kernel tells it."""

from __future__ import annotations

from nginx_lb.model import Endpoint
from nginx_lb.nginx.connections import peers

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
MAPPED = "0000000000000000FFFF0000"


def row(peer: str, state: str = "01", user: int = 33) -> str:
    """A line of /proc/net/tcp."""
    return f"0: 0100007F:0050 {peer} {state} 00000000:00000000 00:00000000 00000000 {user} 0 7 1"


def test_the_kernels_addresses_are_read() -> None:
    """IPv4, IPv6, and IPv4 on a socket of IPv6."""
    table = [HEAD, row("01000A0A:1F90"), row(f"{MAPPED}01000A0A:0050", user=0)]
    table.append(row("B80D0120000000000000000001000000:0050", user=65534))
    assert list(peers("\n".join(table))) == [
        ("33", Endpoint("10.10.0.1", 8080)),
        ("0", Endpoint("10.10.0.1", 80)),
        ("65534", Endpoint("2001:db8::1", 80)),
    ]


def test_only_open_connections_count() -> None:
    """Not those that are being closed, and not the listening sockets."""
    assert list(peers("\n".join([HEAD, row("01000A0A:0050", "06"), row("0:0", "0A"), ""]))) == []
