# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The plan from the actual service of an agent to the wanted one. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._base.plan import Diff
from ..catalog.instance import AgentNode, CatalogInstance
from .address import loopback
from .check import CheckStatus
from .model import MAINTENANCE, Service
from .validation import ServiceError, refuse_path

# Options that describe a service, and so need its name.
_DESCRIBES = ("address", "port", "tags", "meta", "tagged_addresses", "weights", "checks")


@dataclasses.dataclass(frozen=True)
class WantedService:
    """Everything that one call asks for. Without `service` it is about the registered one.

    The state `maintenance` then enables its maintenance mode, and `present` disables it.
    """

    id: str
    state: str = "present"
    service: Service | None = None
    reason: str = ""
    owner: str = ""
    purge: bool = False
    declared: tuple[str, ...] = ()
    deduplicate: str = "none"
    # Only an explicit identifier identifies the instance in the whole datacenter: the default one,
    # the name of the service, may occur at every agent.
    by_id: bool = False
    # Until every check passes.
    wait: bool = False

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> WantedService:
        """Read the options of a module; ServiceError names an invalid one."""
        identifier = params.get("id") or params.get("name") or ""
        if not identifier:
            raise ServiceError("give 'name', or 'id' for a service that is already registered")
        state = params.get("state") or "present"
        if not params.get("name") and any(params.get(each) for each in _DESCRIBES):
            raise ServiceError(f"service {identifier} needs a name")
        refuse_path("id", identifier)
        if params.get("purge") and (not params.get("owner") or params.get("declared") is None):
            raise ServiceError(
                "purge needs 'owner' and 'declared', the identifiers of all services to keep"
            )
        registered = state != "absent" and params.get("name")
        return cls(
            id=identifier,
            state=state,
            service=Service.from_params(params) if registered else None,
            reason=params.get("maintenance_reason") or "",
            owner=params.get("owner") or "",
            purge=bool(params.get("purge")),
            declared=tuple(params.get("declared") or ()),
            deduplicate="none" if state == "absent" else params.get("deduplicate") or "none",
            by_id=bool(params.get("id")),
            wait=state == "present" and params.get("wait") == "passing",
        )

    def warnings(self) -> list[str]:
        """What Consul accepts but may cause problems."""
        return self.service.warnings() if self.service else []


@dataclasses.dataclass(frozen=True)
class ActualService:
    """What the agent has; the `owners` of all its services and `instances` only if requested."""

    service: Service | None = None
    checks: tuple[CheckStatus, ...] = ()
    owners: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    node: AgentNode = dataclasses.field(default_factory=AgentNode)
    instances: tuple[CatalogInstance, ...] = ()

    @property
    def maintenance(self) -> bool:
        """Whether the service is in maintenance mode."""
        return any(check.id.startswith(MAINTENANCE) for check in self.checks)

    def shown(self) -> dict[str, t.Any] | None:
        """The service in a diff and a result, None if it is not registered."""
        if self.service is None:
            return None
        return {**self.service.shown(), "maintenance": self.maintenance}


@dataclasses.dataclass(frozen=True)
class ServicePlan:
    """The requests that lead from the actual to the wanted service.

    `register` replaces all checks, and sets the maintenance mode in the same request
    (`maintained`); `maintenance` sets it for a service that is otherwise as wanted. `found` are all
    duplicates, `duplicates` those to remove. `unproven` are checks that keep the status of an
    earlier definition, with the seconds after which the status is their own. `predicted` is what
    ActualService.shown() returns afterwards.
    """

    diff: Diff
    register: Service | None = None
    maintained: bool = False
    deregister: str | None = None
    maintenance: bool | None = None
    reason: str = ""
    purge: tuple[str, ...] = ()
    found: tuple[CatalogInstance, ...] = ()
    duplicates: tuple[CatalogInstance, ...] = ()
    unproven: t.Mapping[str, float] = dataclasses.field(default_factory=dict)
    update: bool = False
    problem: str = ""
    predicted: t.Mapping[str, t.Any] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return (
            self.register is None
            and self.deregister is None
            and self.maintenance is None
            and not self.purge
            and not self.duplicates
        )

    @property
    def action(self) -> str:
        """The plan in one word: the first action that applies."""
        if self.deregister is not None:
            return "deregistered"
        if self.register is not None:
            return "updated" if self.update else "registered"
        if self.maintenance is not None:
            return "maintenance entered" if self.maintenance else "maintenance left"
        if self.duplicates:
            return "deduplicated"
        return "purged" if self.purge else "unchanged"


def plan_service(wanted: WantedService, actual: ActualService) -> ServicePlan:
    """The requests and the diff, from one comparison."""
    plan = _plan_itself(wanted, actual)
    purge = _orphans(wanted, actual)
    found = duplicates_of(wanted, actual)
    duplicates = found if wanted.deduplicate == "remove" else ()
    before, after = dict(plan.diff.before), dict(plan.diff.after)
    if purge:
        before["purged"], after["purged"] = list(purge), []
    if duplicates:
        before["duplicates"], after["duplicates"] = [each.shown() for each in duplicates], []
    return dataclasses.replace(
        plan,
        diff=Diff(before, after),
        purge=purge,
        found=found,
        duplicates=duplicates,
        predicted=None if wanted.state == "absent" else plan.diff.after,
    )


def duplicates_of(wanted: WantedService, actual: ActualService) -> tuple[CatalogInstance, ...]:
    """The same instance at other agents: the same identifier, or the same address and port.

    A loopback address is a different one on each host, and port 0 is no port: neither counts.
    """
    service = wanted.service or actual.service
    if wanted.deduplicate == "none" or service is None:
        return ()
    address = service.address or actual.node.address
    comparable = bool(address) and service.port > 0 and not loopback(address)
    found = [
        each
        for each in actual.instances
        if (each.node, each.datacenter) != (actual.node.name, actual.node.datacenter)
        and each.name == service.name
        and (
            (wanted.by_id and each.id == service.id)
            or (comparable and (each.address, each.port) == (address, service.port))
        )
    ]
    return tuple(sorted(found, key=lambda each: (each.datacenter, each.node, each.id)))


def _plan_itself(wanted: WantedService, actual: ActualService) -> ServicePlan:
    """The part of the plan that is about the service itself."""
    seen = actual.service
    before = actual.shown() or {"state": "absent"}
    if wanted.state == "absent":
        return ServicePlan(
            Diff(before, {"state": "absent"}), deregister=wanted.id if seen else None
        )
    maintained = wanted.state == "maintenance"
    switch = maintained if maintained != actual.maintenance else None
    if wanted.service is None:
        shown = seen.shown() if seen else {"id": wanted.id}
        purpose = "enable" if maintained else "disable"
        return ServicePlan(
            Diff(before, {**shown, "maintenance": maintained}),
            maintenance=switch,
            reason=wanted.reason,
            problem=""
            if seen
            else f"cannot {purpose} maintenance: service {wanted.id} is not registered at this "
            "agent. Give its name and its other options to register it",
        )
    service = wanted.service
    if service.enable_tag_override and seen is not None and seen.enable_tag_override:
        # Others may change the tags in the catalog: they are left as they are.
        service = dataclasses.replace(service, tags=seen.tags)
    diff = Diff(before, {**service.shown(), "maintenance": maintained})
    if seen == service:
        return ServicePlan(diff, maintenance=switch, reason=wanted.reason)
    return ServicePlan(
        diff,
        register=service,
        maintained=maintained,
        reason=wanted.reason,
        unproven=_unproven(service, seen),
        update=seen is not None,
    )


def _orphans(wanted: WantedService, actual: ActualService) -> tuple[str, ...]:
    """The services of this owner at the agent that are no longer declared."""
    if not wanted.purge:
        return ()
    kept = {*wanted.declared, wanted.id}
    return tuple(
        sorted(
            identifier
            for identifier, owner in actual.owners.items()
            if owner == wanted.owner and identifier not in kept
        )
    )


def _unproven(service: Service, seen: Service | None) -> dict[str, float]:
    """Checks whose definition changes: Consul keeps the status of the old definition."""
    if seen is None or seen.digest == service.digest:
        return {}
    same = set(seen.digest.split("."))
    return {
        check.id: check.first_result_seconds
        for check in service.checks
        if check.id in seen.check_ids and check.digest not in same and check.first_result_seconds
    }
