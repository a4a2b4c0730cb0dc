"""What is served of each service, judged against what Consul says."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from .. import routing as site
from ..discovery.service_discovery import Following
from ..discovery.snapshot import Instances
from ..settings.model import Settings
from . import guard
from .guard import Evidence, Hold, Record
from .leader_check import Wanted, Witness

log = logging.getLogger("nginx-lb")


class Ledger:
    """The records and the holds; `birth` names the cluster that Consul was last."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        """Begin with what was served last."""
        self.records = records
        self.holds: Mapping[str, Hold] = {}
        self.birth = ""

    @property
    def instances(self) -> dict[str, Instances]:
        """What is to be served."""
        return {name: record.instances for name, record in self.records.items()}

    def judge(
        self, options: Settings, heard: Following, witness: Witness, accepted: str | None
    ) -> list[str]:
        """Judge what was heard; the services that are taken on the operator's word.

        `accepted` is the service the operator vouches for, "" for all and None for none. Services
        that nothing was heard of stay as they are, their catalog's birth too.
        """
        keys = {site.service_key(each) for each in options.services}
        judged: dict[str, Record] = {}
        said: dict[str, Instances] = {}
        for found, part, ours in (
            (heard.declared, site.declared, True),
            (heard.discovered, site.discovered, False),
        ):
            if found is not None:
                said |= part(options, found.services)
                judged |= {name: r for name, r in self.records.items() if (name in keys) == ours}
        lost = guard.losses(judged, said)
        forced = [name for name in lost if accepted in ("", name)]
        evidence = self._evidence(options, lost, witness)
        verdict = guard.judge(
            options.guard, judged, said, evidence, self.holds, time.monotonic(), forced
        )
        others = {name: each for name, each in self.records.items() if name not in judged}
        holds = {name: hold for name, hold in self.holds.items() if name in others}
        self.records = {**others, **verdict.records}
        self._hold({**holds, **verdict.holds})
        return forced

    def _evidence(
        self, options: Settings, lost: Mapping[str, object], witness: Witness
    ) -> Evidence:
        """Whoever vouches for the losses; nobody is asked where there are none."""
        if not lost:
            return Evidence(guard.SILENT, self.birth)
        declared = {
            site.service_key(each): Wanted(each.name, each.tag) for each in options.services
        }
        marker = options.discover.tag if options.discover else ""
        return witness.testify({name: declared.get(name, Wanted(name, marker)) for name in lost})

    def _hold(self, holds: Mapping[str, Hold]) -> None:
        for name, hold in holds.items():
            if name not in self.holds or self.holds[name].reason != hold.reason:
                places = ", ".join(sorted(str(place) for place in hold.lost))
                log.warning("held %s: %s; still in rotation: %s", name, hold.reason, places)
        for name in sorted(set(self.holds) - set(holds)):
            log.warning("held no more: %s", name)
        self.holds = holds
