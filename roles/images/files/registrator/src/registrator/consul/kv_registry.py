"""The service registry in Consul's key-value store: <prefix>/<name>/<id> = address:port."""

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
from .client import ConsulClient


@dataclasses.dataclass(frozen=True)
class _Entry:
    """One key below the prefix; `flags` are Consul's flags of the key, 0 for upstream's keys."""

    key: str
    name: str
    id: str
    value: str
    flags: int


class KvRegistry:
    """The keys below one prefix.

    A key has no metadata for our mark: its flags hold a digest of the owner instead. The bodies
    that were registered are remembered, since a plan compares their tags and digests. register()
    and deregister() use the list that services() fetched last.
    """

    def __init__(self, agent: ConsulClient, prefix: str, owner: str) -> None:
        """Set the agent, the prefix and the owner; nothing is sent yet."""
        self._agent = agent
        self._prefix = prefix
        self._owner = owner
        self._flags = int.from_bytes(hashlib.sha256(owner.encode()).digest()[:6], "big")
        self._written: dict[str, Mapping[str, Any]] = {}
        self._listed: list[_Entry] = []

    def token_fingerprint(self) -> str:
        """Empty: a key does not depend on the token that it was written with."""
        return ""

    def services(self) -> Mapping[str, Registered]:
        """The services below the prefix by identifier, other hosts' included."""
        found: dict[str, Registered] = {}
        duplicates: set[str] = set()
        self._listed = self._entries()
        for entry in self._listed:
            if entry.id in found:
                duplicates.add(entry.id)
            found[entry.id] = self._registered(entry)
        # A renamed service has a key under each name: an empty name has it registered again.
        for identifier in duplicates:
            found[identifier] = dataclasses.replace(found[identifier], name="", tags=())
        return found

    def check_states(self) -> Mapping[str, str]:
        """Empty: a key has no check."""
        return {}

    def leader(self) -> str:
        """The cluster's leader as the agent knows it, empty without one."""
        return str(self._agent.get("/v1/status/leader"))

    def register(self, body: Mapping[str, Any]) -> None:
        """Write the key of a service unless it is current; delete its keys under other names."""
        key = f"{self._prefix}/{body['Name']}/{body['ID']}"
        current = False
        for entry in self._listed:
            if entry.id != body["ID"]:
                continue
            if entry.flags not in (0, self._flags):
                raise RefusedError(f"the key {entry.key} belongs to the daemon of another host")
            if entry.key == key:
                current = self._matches(entry, body)
            else:
                self._agent.delete(_path(entry.key))
        if not current:
            value = _address(body["Address"], body["Port"])
            self._agent.put(f"{_path(key)}?flags={self._flags}", value)
        self._written[body["ID"]] = body

    def deregister(self, service_id: str) -> None:
        """Delete the keys of a service; an unknown one is no error."""
        for entry in self._listed:
            if entry.id == service_id and entry.flags in (0, self._flags):
                self._agent.delete(_path(entry.key))
        self._written.pop(service_id, None)

    def update_check(self, check_id: str, status: str, output: str) -> None:
        """Nothing to do: a key has no check."""

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
            raise RegistryError(f"Consul at {self._agent.url} did not list its keys") from error
        return entries

    def _matches(self, entry: _Entry, body: Mapping[str, Any]) -> bool:
        """Whether a key is as this daemon writes it for this body."""
        written = (body["Name"], _address(body["Address"], body["Port"]), self._flags)
        return (entry.name, entry.value, entry.flags) == written

    def _registered(self, entry: _Entry) -> Registered:
        """A key as a service, with the tags and metadata of its body where that is unchanged."""
        body = self._written.get(entry.id)
        if body is not None and self._matches(entry, body):
            return Registered(
                id=entry.id,
                name=entry.name,
                address=body["Address"],
                port=body["Port"],
                tags=tuple(body["Tags"]),
                meta=body["Meta"],
            )
        address, _colon, port = entry.value.rpartition(":")
        # Without a mark, the plan adopts identifiers that upstream generates on this host.
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
