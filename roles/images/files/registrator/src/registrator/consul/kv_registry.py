"""Consul's key-value store as a service registry: <prefix>/<name>/<id> is address:port."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ..domain.interfaces import RefusedError, RegistryError
from ..domain.model import Registered
from ..domain.plan import OWNER
from .http import ConsulHttp


@dataclasses.dataclass(frozen=True)
class _Entry:
    """One key below the prefix; `flags` is the number Consul keeps with it, 0 upstream's."""

    key: str
    name: str
    id: str
    value: str
    flags: int


class ConsulKvRegistry:
    """The keys below one prefix.

    A key has no metadata for our mark: the owner's digest stands in its flags instead. Tags and
    digest of what was registered are remembered, for the plan to find them again. To register and
    to deregister go by the list that services() gave last.
    """

    def __init__(self, agent: ConsulHttp, prefix: str, owner: str) -> None:
        """Remember where the services stand; nothing is sent yet."""
        self._agent = agent
        self._prefix = prefix
        self._owner = owner
        self._flags = int.from_bytes(hashlib.sha256(owner.encode()).digest()[:6], "big")
        self._written: dict[str, Mapping[str, Any]] = {}
        self._seen: list[_Entry] = []

    def seal(self) -> str:
        """Nothing: a key does not remember who wrote it."""
        return ""

    def services(self) -> Mapping[str, Registered]:
        """What stands below the prefix, by identifier; other hosts' keys are among it."""
        found: dict[str, Registered] = {}
        twice: set[str] = set()
        self._seen = self._entries()
        for entry in self._seen:
            if entry.id in found:
                twice.add(entry.id)
            found[entry.id] = self._registered(entry)
        # A service that was renamed stands under both names: as neither, it is written anew.
        for identifier in twice:
            found[identifier] = dataclasses.replace(found[identifier], name="", tags=())
        return found

    def states(self) -> Mapping[str, str]:
        """Nothing: a key has no check."""
        return {}

    def leader(self) -> str:
        """The cluster's leader as the agent knows it, empty without one."""
        return str(self._agent.get("/v1/status/leader"))

    def register(self, body: Mapping[str, Any]) -> None:
        """Write a service's key unless it stands there already, and no other of its name."""
        key = f"{self._prefix}/{body['Name']}/{body['ID']}"
        stands = False
        for entry in self._seen:
            if entry.id != body["ID"]:
                continue
            if entry.flags not in (0, self._flags):
                raise RefusedError(f"the key {entry.key} belongs to another host's daemon")
            if entry.key == key:
                stands = self._says(entry, body)
            else:
                self._agent.delete(_path(entry.key))
        if not stands:
            value = _address(body["Address"], body["Port"])
            self._agent.put(f"{_path(key)}?flags={self._flags}", value)
        self._written[body["ID"]] = body

    def deregister(self, service_id: str) -> None:
        """Delete a service's key; one that is not there is no error."""
        for entry in self._seen:
            if entry.id == service_id and entry.flags in (0, self._flags):
                self._agent.delete(_path(entry.key))
        self._written.pop(service_id, None)

    def update_check(self, check_id: str, status: str, output: str) -> None:
        """Nothing: a key has no checks."""

    def _entries(self) -> list[_Entry]:
        listed = self._agent.get_or_none(f"{_path(self._prefix + '/')}?recurse")
        entries = []
        try:
            for item in listed or ():
                name, _slash, identifier = item["Key"][len(self._prefix) + 1 :].partition("/")
                value = base64.b64decode(item["Value"] or "").decode(errors="replace")
                if identifier:
                    entries.append(_Entry(item["Key"], name, identifier, value, item["Flags"]))
        except (KeyError, TypeError, ValueError) as error:
            raise RegistryError(f"Consul at {self._agent.url} lists no keys") from error
        return entries

    def _says(self, entry: _Entry, body: Mapping[str, Any]) -> bool:
        """Whether a key stands as this daemon writes it for this body."""
        written = (body["Name"], _address(body["Address"], body["Port"]), self._flags)
        return (entry.name, entry.value, entry.flags) == written

    def _registered(self, entry: _Entry) -> Registered:
        """A key as a service, with what was written where it still says so."""
        body = self._written.get(entry.id)
        if body is not None and self._says(entry, body):
            return Registered(
                id=entry.id,
                name=entry.name,
                address=body["Address"],
                port=body["Port"],
                tags=tuple(body["Tags"]),
                meta=body["Meta"],
            )
        address, _colon, port = entry.value.rpartition(":")
        # Without a mark, the plan takes what has the identifier that upstream gave it here.
        marks = {0: {}, self._flags: {OWNER: self._owner}}
        return Registered(
            id=entry.id,
            name=entry.name,
            address=address.strip("[]"),
            port=int(port) if port.isdecimal() else 0,
            tags=(),
            meta=marks.get(entry.flags, {OWNER: ""}),
        )


def _address(host: str, port: int) -> str:
    """Go's net.JoinHostPort."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _path(key: str) -> str:
    return "/v1/kv/" + urllib.parse.quote(key)
