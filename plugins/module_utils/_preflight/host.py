# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Reads ports, addresses and Docker Engine of the host.

Standard library only: a fresh host has no other library.
"""

from __future__ import annotations

import errno
import http.client
import json
import os
import re
import socket
import typing as t
import urllib.parse

from .needs import registry_endpoint

OWNER_LABEL = "rollcall.owner"
# The label that the agent roles set on the container of an agent of a secure cluster.
SECURED_LABEL = "rollcall.secured"
_LISTENING = {"tcp": "0A", "udp": "07"}
# The timeout of a registry; a lost packet is retransmitted after 1 s and 3 s.
_REGISTRY_SECONDS = 10.0


class Docker:
    """The API of the Docker Engine over its socket; methods return None if it does not answer."""

    def __init__(self, path: str) -> None:
        """Remember the socket's path; nothing is sent yet."""
        self._path = path

    def answers(self) -> bool:
        """Whether an engine answers."""
        return self.get("/_ping") is not None

    def get(self, path: str) -> tuple[int, t.Any] | None:
        """Status and decoded body."""
        connection = _UnixConnection(self._path)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except OSError:
            return None
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def has_image(self, reference: str) -> bool:
        """Whether the image is on this host."""
        found = self.get(f"/images/{urllib.parse.quote(reference)}/json")
        return found is not None and found[0] == 200

    def registry_refusal(self, reference: str) -> str | None:
        """Why the engine cannot pull an image; None if it can.

        A registry that requires credentials is reachable: the pull provides them.
        """
        found = self.get(f"/distribution/{urllib.parse.quote(reference)}/json")
        if found is None or found[0] in (200, 401, 403):
            return None
        message = found[1].get("message", "") if isinstance(found[1], dict) else str(found[1])
        return message.strip() or f"status {found[0]}"

    def owner_of(self, container: str) -> str | None:
        """The owner label of a container."""
        found = self.get(f"/containers/{container}/json")
        if found is None or found[0] != 200:
            return None
        labels = found[1]["Config"].get("Labels") or {}
        return labels.get(OWNER_LABEL)

    def secure_containers(self, owner: str) -> list[str]:
        """The names of an owner's containers with an agent of a secure cluster, running or not."""
        filters = json.dumps({"label": [SECURED_LABEL, f"{OWNER_LABEL}={owner}"]})
        found = self.get(f"/containers/json?all=true&filters={urllib.parse.quote(filters)}")
        if found is None or found[0] != 200:
            return []
        return [container["Names"][0].lstrip("/") for container in found[1]]

    def publisher_of(self, port: int, protocol: str) -> str | None:
        """The identifier of the container that publishes this port."""
        found = self.get("/containers/json")
        for container in found[1] if found and found[0] == 200 else ():
            for published in container.get("Ports") or ():
                if (published.get("PublicPort"), published["Type"]) == (port, protocol):
                    return str(container["Id"])
        return None


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_REGISTRY_SECONDS * 3)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def has_address(address: str) -> bool:
    """Whether the host has this address: only then a socket can bind to it."""
    try:
        family = socket.getaddrinfo(address, 0, flags=socket.AI_NUMERICHOST)[0][0]
    except OSError:
        return False
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True


def listeners() -> dict[str, str]:
    """The listening ports, such as 8500/tcp, with the inode of the socket."""
    found = {}
    for protocol, state in _LISTENING.items():
        for table in (f"/proc/net/{protocol}", f"/proc/net/{protocol}6"):
            for fields in _table(table):
                if fields[3] == state:
                    found[f"{int(fields[1].rpartition(':')[2], 16)}/{protocol}"] = fields[9]
    return found


def holders(inodes: t.Collection[str]) -> dict[str, int]:
    """The process of each socket, as far as this user may read it."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, int] = {}
    for pid in (name for name in os.listdir("/proc") if name.isdigit()):
        try:
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                inode = wanted.get(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
                if inode:
                    found[inode] = int(pid)
        except OSError:
            continue
        if len(found) == len(wanted):
            break
    return found


def process_name(pid: int) -> str:
    """The name of the process."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return "a process"


def container_of(pid: int) -> str | None:
    """The identifier of the container a process runs in, the innermost one."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            identifiers = re.findall(r"[0-9a-f]{64}", file.read())
    except OSError:
        return None
    return identifiers[-1] if identifiers else None


def reachable(reference: str) -> str | None:
    """Why the registry of an image is unreachable from here; None if it is reachable."""
    host, port = registry_endpoint(reference)
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return None
    try:
        socket.create_connection((host, port), timeout=_REGISTRY_SECONDS).close()
    except OSError as error:
        return f"{host}:{port}: {error}"
    return None


def _table(path: str) -> t.Iterator[list[str]]:
    """The rows of one of the kernel's socket tables, without its heading."""
    try:
        with open(path, encoding="ascii") as file:
            for line in list(file)[1:]:
                yield line.split()
    except OSError:
        return
