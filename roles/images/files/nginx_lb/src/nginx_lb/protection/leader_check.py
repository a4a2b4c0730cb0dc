"""Asks Consul itself, with a quorum behind the answer, whether a loss is meant."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from ..discovery.consul_http import Answer, ConsulClient, Unanswered
from ..discovery.snapshot import Place
from ..settings import validation as grammar
from ..settings.model import Consul
from ..settings.validation import Unfit
from .guard import CONFIRMED, FILTERED, NO_LEADER, SILENT, Evidence, Word

_TIMEOUT_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Pulse:
    """Whether Consul has a leader, and which cluster it is; `trouble` says why it is not known."""

    leader: bool
    birth: str = ""
    trouble: str = ""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A service by its name in Consul, and the tag its instances need, "" for none."""

    name: str
    tag: str = ""


class Witness:
    """Reads of one agent, by one thread."""

    def __init__(self, place: Consul) -> None:
        """Nothing is sent yet."""
        self._client = ConsulClient(place, _TIMEOUT_SECONDS)

    def pulse(self) -> Pulse:
        """Two small reads; never raises."""
        try:
            leader = self._client.get("/v1/status/leader").body
        except Unanswered as error:
            return Pulse(False, trouble=str(error))
        if not leader:
            return Pulse(False, trouble="Consul has no leader")
        return Pulse(True, self._birth())

    def testify(self, services: Mapping[str, Wanted]) -> Evidence:
        """What a consistent read says of services, by the guard's names for them; never raises."""
        pulse = self.pulse()
        if not pulse.leader:
            return Evidence(NO_LEADER if "no leader" in pulse.trouble else SILENT, pulse.birth)
        words: dict[str, Word] = {}
        for key, wanted in services.items():
            try:
                answer = self._client.get(
                    f"/v1/health/service/{urllib.parse.quote(wanted.name)}?passing&consistent"
                )
            except Unanswered as error:
                # A leader that was lost a moment ago is said in this answer only.
                lost = "leader" in str(error)
                return Evidence(NO_LEADER if lost else SILENT, pulse.birth)
            if answer.filtered:
                return Evidence(FILTERED, pulse.birth)
            words[key] = Word(places_of(answer, wanted.tag), answer.index)
        return Evidence(CONFIRMED, pulse.birth, words)

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _birth(self) -> str:
        """The identity that a cluster takes once in its life; "" where it does not tell."""
        try:
            roots = self._client.get("/v1/connect/ca/roots").body
        except Unanswered:
            return ""
        return str(roots.get("TrustDomain") or "") if isinstance(roots, dict) else ""


def places_of(answer: Answer, tag: str) -> frozenset[Place]:
    """The places of the instances with the tag; what is no place is no witness for anything."""
    return frozenset(_places(answer.body, tag))


def _places(entries: Any, tag: str) -> Iterable[Place]:
    for entry in entries or ():
        service = entry["Service"]
        if tag and tag not in (service.get("Tags") or ()):
            continue
        try:
            address = grammar.address(service.get("Address") or entry["Node"].get("Address"))
            yield Place(str(address), grammar.port(service.get("Port")))
        except Unfit:
            continue
