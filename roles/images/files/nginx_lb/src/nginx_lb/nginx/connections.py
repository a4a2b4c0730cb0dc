"""Which instances nginx has connections to: from /proc, for its own processes."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import pathlib
import re
from collections.abc import Iterable, Iterator

from ..model import Endpoint

_PROC = pathlib.Path("/proc")
_SOCKET = re.compile(r"socket:\[(\d+)\]")
# In the columns of /proc/net/tcp.
_ESTABLISHED = "01"


def connected(processes: Iterable[int]) -> frozenset[Endpoint]:
    """The endpoints to which one of the processes has an established connection."""
    inodes = {inode for process in processes for inode in _sockets(process)}
    found: set[Endpoint] = set()
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            rows = peers((_PROC / "net" / name).read_text())
            found |= {endpoint for inode, endpoint in rows if inode in inodes}
    return frozenset(found)


def peers(table: str) -> Iterator[tuple[str, Endpoint]]:
    """The inode and the peer of each established connection in a /proc/net/tcp or tcp6."""
    for line in table.splitlines()[1:]:
        columns = line.split()
        if len(columns) > 9 and columns[3] == _ESTABLISHED:
            address, _colon, port = columns[2].partition(":")
            yield columns[9], Endpoint(_address(address), int(port, 16))


def _address(digits: str) -> str:
    """The kernel writes each 32 bits of an address in the byte order of the machine."""
    words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
    found = ipaddress.ip_address(b"".join(word[::-1] for word in words))
    return str(getattr(found, "ipv4_mapped", None) or found)


def _sockets(process: int) -> Iterator[str]:
    folder = _PROC / str(process) / "fd"
    with contextlib.suppress(OSError):
        for entry in os.listdir(folder):
            with contextlib.suppress(OSError):
                found = _SOCKET.fullmatch(os.readlink(folder / entry))
                if found:
                    yield found[1]
