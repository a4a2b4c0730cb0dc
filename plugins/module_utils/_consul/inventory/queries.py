# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The requests that make an inventory: four for each datacenter, and one for each service.

No public path gives nodes, services and health together. /v1/health/service has all three of one
service, so the requests grow with the kinds of services; /v1/catalog/node-services has no health
and would grow with the machines. Services that are named cost nothing more than themselves, and
the list of services falls away. Only the checks of nodes are asked for besides, for nodes that
have no service, and Consul's own service, which tells its servers.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t

from ..transport.client import Connection, ConsulClient
from ..transport.errors import RequestRefused, Unavailable
from .filters import Filters, exact, matching
from .model import CatalogNode
from .nodes import CatalogAnswers, nodes_of

# As many connections as requests keeps open for one host.
PARALLEL = 10


@dataclasses.dataclass(frozen=True)
class CatalogQuery:
    """One GET in a datacenter, the agent's own where it is None."""

    datacenter: str | None
    path: str
    filter: str = ""


NODES, CHECKS, SERVICES = "/v1/catalog/nodes", "/v1/health/state/any", "/v1/catalog/services"
DATACENTERS = "/v1/catalog/datacenters"
SERVERS = "/v1/health/service/consul"
OF_NODES = 'ServiceID == ""'

Client = t.Callable[[Connection], ConsulClient]


def query_nodes(
    connection: Connection, filters: Filters, client: Client = ConsulClient
) -> tuple[CatalogNode, ...]:
    """The wanted nodes of the wanted datacenters. Raises ConsulError where one does not answer."""
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        ask = _QueryRunner(connection, client, pool)
        datacenters = _datacenters(connection, filters, ask)
        named = exact(filters.services) and bool(filters.services)
        ask.all(
            question
            for each in datacenters
            for question in (
                CatalogQuery(each, NODES, filters.node_expression),
                CatalogQuery(each, CHECKS, OF_NODES),
                CatalogQuery(each, SERVERS),
                *(() if named else (CatalogQuery(each, SERVICES),)),
            )
        )
        wanted = {each: _wanted(each, filters, named, ask) for each in datacenters}
        ask.all(question for questions in wanted.values() for question in questions)
    nodes: list[CatalogNode] = []
    for each in datacenters:
        answers = CatalogAnswers(
            nodes=ask.answers[CatalogQuery(each, NODES, filters.node_expression)],
            checks=ask.answers[CatalogQuery(each, CHECKS, OF_NODES)],
            servers=ask.answers[CatalogQuery(each, SERVERS)],
            services=[ask.answers[question] for question in wanted[each]],
        )
        nodes += nodes_of(answers)
    return filters.select(nodes)


class _QueryRunner:
    """Asks many questions at once, none of them twice."""

    def __init__(
        self, connection: Connection, client: Client, pool: concurrent.futures.Executor
    ) -> None:
        """Nothing is sent yet."""
        self.answers: dict[CatalogQuery, t.Any] = {}
        self._connection = connection
        self._client = client
        self._clients: dict[str | None, ConsulClient] = {}
        self._pool = pool

    def all(self, questions: t.Iterable[CatalogQuery]) -> None:
        """Keep the answer to each."""
        fresh = [each for each in dict.fromkeys(questions) if each not in self.answers]
        for each in fresh:
            if each.datacenter not in self._clients:
                connection = dataclasses.replace(self._connection, datacenter=each.datacenter)
                self._clients[each.datacenter] = self._client(connection)
        self.answers.update(zip(fresh, self._pool.map(self._one, fresh), strict=True))

    def _one(self, question: CatalogQuery) -> t.Any:
        more = {"filter": question.filter} if question.filter else {}
        try:
            answer = self._clients[question.datacenter].get(question.path, **more)
        except (RequestRefused, Unavailable) as error:
            # Consul answers a wrong filter with the status of a broken cluster.
            if "boolean expression" not in str(error):
                raise
            reason = str(error).partition(". Look at the cluster")[0]
            raise RequestRefused(f"{reason}. Correct the filter {question.filter!r}") from error
        return [] if answer is None else answer


def _datacenters(
    connection: Connection, filters: Filters, ask: _QueryRunner
) -> tuple[str | None, ...]:
    """The datacenters to ask; patterns are for Consul to say which there are."""
    if not filters.datacenters:
        return (connection.datacenter,)
    if exact(filters.datacenters):
        return tuple(dict.fromkeys(filters.datacenters))
    question = CatalogQuery(connection.datacenter, DATACENTERS)
    ask.all([question])
    return tuple(matching(ask.answers[question], filters.datacenters))


def _wanted(
    datacenter: str | None, filters: Filters, named: bool, ask: _QueryRunner
) -> tuple[CatalogQuery, ...]:
    """The questions for the instances of each wanted service."""
    if named:
        names = list(filters.services)
    else:
        known = sorted(ask.answers[CatalogQuery(datacenter, SERVICES)])
        names = matching(known, filters.services) if filters.services else known
    return tuple(
        CatalogQuery(datacenter, f"/v1/health/service/{name}", filters.service_expression)
        for name in dict.fromkeys(names)
        # A path with these leads elsewhere.
        if not {"", ".", ".."} & set(name.split("/"))
    )
