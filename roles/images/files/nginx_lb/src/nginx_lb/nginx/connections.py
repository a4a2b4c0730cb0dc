"""Which instances nginx has connections to, from /proc."""

from __future__ import annotations

import contextlib
import ipaddress
import pathlib
import re
from collections.abc import Iterable, Iterator

from ..model import Endpoint

_PROC = pathlib.Path("/proc")
_EFFECTIVE_USER = re.compile(r"^Uid:\t\d+\t(\d+)", re.MULTILINE)
# In the columns of /proc/net/tcp.
_ESTABLISHED = "01"


def connected(workers: Iterable[int]) -> frozenset[Endpoint]:
    """The endpoints to which the user of these processes has an established connection.

    The sockets of a single process may be read by another user only with CAP_SYS_PTRACE, which a
    container does not have.
    """
    users = {user for worker in workers for user in _user(worker)}
    found: set[Endpoint] = set()
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            rows = peers((_PROC / "net" / name).read_text())
            found |= {endpoint for user, endpoint in rows if user in users}
    return frozenset(found)


def peers(table: str) -> Iterator[tuple[str, Endpoint]]:
    """The user and the peer of each established connection in a /proc/net/tcp or tcp6."""
    for line in table.splitlines()[1:]:
        columns = line.split()
        if len(columns) > 9 and columns[3] == _ESTABLISHED:
            address, _colon, port = columns[2].partition(":")
            yield columns[7], Endpoint(_address(address), int(port, 16))


def _address(digits: str) -> str:
    """The kernel writes each 32 bits of an address in the byte order of the machine."""
    words = [bytes.fromhex(digits[at : at + 8]) for at in range(0, len(digits), 8)]
    found = ipaddress.ip_address(b"".join(word[::-1] for word in words))
    return str(getattr(found, "ipv4_mapped", None) or found)


def _user(process: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield from _EFFECTIVE_USER.findall((_PROC / str(process) / "status").read_text())
