"""How many connections a user's processes have to each place, from the kernel's table."""

from __future__ import annotations

import contextlib
import ipaddress
import pathlib
import struct
from collections.abc import Iterable

from .snapshot import Place

_TABLES = (pathlib.Path("/proc/net/tcp"), pathlib.Path("/proc/net/tcp6"))
# Established, and those of which one side has said that it will send no more.
_OPEN = {"01", "04", "05", "08"}


def count(user: int) -> dict[Place, int]:
    """The connections of a user's processes in this network, by where they lead."""
    lines: list[str] = []
    for table in _TABLES:
        with contextlib.suppress(OSError):
            lines += table.read_text(encoding="ascii").splitlines()[1:]
    return tally(lines, user)


def tally(lines: Iterable[str], user: int) -> dict[Place, int]:
    """The same for the rows of the kernel's table."""
    found: dict[Place, int] = {}
    for fields in (line.split() for line in lines):
        if fields[3] in _OPEN and fields[7] == str(user):
            place = _place(fields[2])
            found[place] = found.get(place, 0) + 1
    return found


def _place(text: str) -> Place:
    """The kernel writes an address as words in the machine's own order of bytes."""
    address, _colon, port = text.partition(":")
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    found = ipaddress.ip_address(b"".join(struct.pack("=I", word) for word in words))
    return Place(str(getattr(found, "ipv4_mapped", None) or found), int(port, 16))
