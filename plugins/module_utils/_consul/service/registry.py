# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The services of an agent: reads them and applies a plan. Raises ConsulError."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..._base.polling import poll
from ..catalog.instance import CatalogInstance
from ..catalog.node_agent import AGENT_URL_TEMPLATE, agent_of, agent_url, node_of
from ..transport.client import Connection, ConsulClient
from ..transport.errors import TRANSIENT, ConsulError, Unreachable
from .check import CheckStatus, failing
from .model import MAINTENANCE, OWNER_META, Service
from .plan import ActualService, ServicePlan, WantedService

# Anti-entropy sends a deregistration to the servers at once; this covers the propagation.
SETTLE_SECONDS = 10.0


class NotPassing(ConsulError):
    """The checks did not pass in time; `result` contains their status."""

    def __init__(self, message: str, checks: tuple[CheckStatus, ...]) -> None:
        """Keep the checks for the result."""
        super().__init__(message)
        self.result = {"checks": [dataclasses.asdict(check) for check in checks]}


class Registry:
    """The services of one agent, and through the catalog those of the others."""

    def __init__(self, connection: Connection, template: str = AGENT_URL_TEMPLATE) -> None:
        """Prepare; nothing is sent yet."""
        self._connection = connection
        self._template = template
        self._client = ConsulClient(connection)
        agent_url(template, connection.url, CatalogInstance("", "", "", "", "", "", 0, alive=False))

    def read(self, wanted: WantedService) -> ActualService:
        """The actual state that a plan for `wanted` needs."""
        actual = self.read_service(wanted.id)
        service = wanted.service or actual.service
        if wanted.purge:
            actual = dataclasses.replace(actual, owners=self._owners())
        if wanted.deduplicate != "none" and service is not None:
            actual = dataclasses.replace(
                actual, node=node_of(self._client), instances=self._instances(service.name)
            )
        return actual

    def read_service(self, identifier: str) -> ActualService:
        """The service as the agent has it, with its checks."""
        return read_service(self._client, identifier)

    def checks(self, identifier: str) -> tuple[CheckStatus, ...]:
        """The service's checks as the agent has them."""
        return _checks(self._client, identifier)

    def apply(self, plan: ServicePlan, identifier: str) -> None:
        """Send the requests of the plan; other services are removed last."""
        if plan.deregister is not None:
            self._deregister(plan.deregister)
        if plan.register is not None:
            self._client.put(
                "/v1/agent/service/register",
                plan.register.payload(maintenance=plan.maintained, reason=plan.reason),
                **{"replace-existing-checks": "true"},
            )
        if plan.maintenance is not None:
            self._client.put(
                f"/v1/agent/service/maintenance/{identifier}",
                enable=str(plan.maintenance).lower(),
                reason=plan.reason,
            )
        for each in plan.purge:
            self._deregister(each)
        for instance in plan.duplicates:
            self._remove(instance)
        if plan.duplicates:
            self._wait_gone(plan.duplicates)

    def wait_passing(
        self, plan: ServicePlan, before: ActualService, identifier: str, seconds: float
    ) -> None:
        """Wait until every check passes; NotPassing with those that do not, at the deadline.

        The status of an earlier definition does not count until the output of the check differs,
        or a whole interval has passed.
        """
        started = time.monotonic()
        old = {check.id: check for check in before.checks}

        def missing(checks: tuple[CheckStatus, ...]) -> list[str]:
            waited = time.monotonic() - started
            return failing(checks) + [
                f"{check.name} has not run with its new definition yet"
                for check in checks
                if check.status == "passing"
                and waited < plan.unproven.get(check.id, 0)
                and check == dataclasses.replace(old[check.id], name=check.name)
            ]

        poll(
            lambda: self.checks(identifier),
            missing,
            seconds,
            failure=lambda checks, lacks: NotPassing(
                f"service {identifier} does not pass after {seconds:.0f} s: {'; '.join(lacks)}",
                checks,
            ),
            retry_on=TRANSIENT,
        )

    def _deregister(self, identifier: str) -> None:
        """Deregister at this agent."""
        self._client.put(f"/v1/agent/service/deregister/{identifier}")

    def _owners(self) -> dict[str, str]:
        """The owner of each service of the agent, from its metadata."""
        services = self._client.get("/v1/agent/services") or {}
        return {
            key: (entry.get("Meta") or {}).get(OWNER_META, "") for key, entry in services.items()
        }

    def _instances(self, name: str) -> tuple[CatalogInstance, ...]:
        """The service's instances at all agents."""
        entries = self._client.get(f"/v1/health/service/{name}") or []
        return tuple(CatalogInstance.from_api(entry) for entry in entries)

    def _remove(self, instance: CatalogInstance) -> None:
        """Deregister at the agent that has the instance: anti-entropy would restore it otherwise.

        Only if the agent is gone, or no longer has it, it is deregistered in the catalog.
        """
        if instance.alive:
            try:
                if self._deregistered_at_its_agent(instance):
                    return
            except Unreachable as error:
                if self._alive(instance):
                    raise Unreachable(
                        f"service {instance.id} is at the agent of node {instance.node}, which is "
                        f"alive: {error}. See agent_url_template"
                    ) from error
        self._client.put(
            "/v1/catalog/deregister",
            {
                "Datacenter": instance.datacenter,
                "Node": instance.node,
                "ServiceID": instance.id,
            },
        )

    def _deregistered_at_its_agent(self, instance: CatalogInstance) -> bool:
        """Deregister at the agent of the instance's node; False if the agent does not have it."""
        client = agent_of(self._connection, self._template, instance)
        if client.get(f"/v1/agent/service/{instance.id}") is None:
            return False
        client.put(f"/v1/agent/service/deregister/{instance.id}")
        return True

    def _alive(self, instance: CatalogInstance) -> bool:
        """Whether the agent of the instance is still alive according to the catalog."""
        return any(each.alive for each in self._instances(instance.name) if _same(each, instance))

    def _wait_gone(self, instances: t.Sequence[CatalogInstance]) -> None:
        """Wait until the catalog no longer has them, so that the next run finds none."""

        def look() -> list[CatalogInstance]:
            return [
                instance
                for instance in instances
                if any(_same(each, instance) for each in self._instances(instance.name))
            ]

        poll(
            look,
            lambda left: left,
            SETTLE_SECONDS,
            failure=lambda left, _: ConsulError(
                f"service {left[0].id} of node {left[0].node} was deregistered, but the catalog "
                f"still has it after {SETTLE_SECONDS:.0f} s"
            ),
        )


def read_service(client: ConsulClient, identifier: str) -> ActualService:
    """What the agent has under this identifier, with its checks."""
    # The transport quotes the path: a quoted identifier would be quoted twice.
    entry = client.get(f"/v1/agent/service/{identifier}")
    if entry is None:
        return ActualService()
    checks = _checks(client, identifier)
    own = [check.id for check in checks if not check.id.startswith(MAINTENANCE)]
    return ActualService(service=Service.from_api(entry, own), checks=checks)


def _checks(client: ConsulClient, identifier: str) -> tuple[CheckStatus, ...]:
    """The service's checks as the agent has them."""
    found = client.get("/v1/agent/checks") or {}
    return tuple(
        CheckStatus.from_api(found[key])
        for key in sorted(found)
        if found[key]["ServiceID"] == identifier
    )


def _same(one: CatalogInstance, other: CatalogInstance) -> bool:
    """Whether two entries of the catalog are the same registration."""
    return (one.datacenter, one.node, one.id) == (other.datacenter, other.node, other.id)
