# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The catalog queries of an inventory: four for each datacenter, and one for each service.

No endpoint returns nodes, services and health together. /v1/health/service has all three for one
service, so the number of requests grows with the number of services; /v1/catalog/node-services has
no health and would grow with the number of nodes. With exact names of services in the filters, the
list of services is not needed. The checks of nodes are read for nodes without a service, and the
service consul for the roles of the nodes.
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

# The size of the connection pool that requests keeps for one host.
PARALLEL = 10


@dataclasses.dataclass(frozen=True)
class CatalogQuery:
    """One GET in a datacenter, the agent's own if it is None."""

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
    """The wanted nodes of the wanted datacenters. Raises ConsulError if one does not answer."""
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        runner = _QueryRunner(connection, client, pool)
        datacenters = _datacenters(connection, filters, runner)
        named = exact(filters.services) and bool(filters.services)
        runner.run(
            query
            for each in datacenters
            for query in (
                CatalogQuery(each, NODES, filters.node_expression),
                CatalogQuery(each, CHECKS, OF_NODES),
                CatalogQuery(each, SERVERS),
                *(() if named else (CatalogQuery(each, SERVICES),)),
            )
        )
        wanted = {each: _wanted(each, filters, named, runner) for each in datacenters}
        runner.run(query for every in wanted.values() for query in every)
    nodes: list[CatalogNode] = []
    for each in datacenters:
        answers = CatalogAnswers(
            nodes=runner.answers[CatalogQuery(each, NODES, filters.node_expression)],
            checks=runner.answers[CatalogQuery(each, CHECKS, OF_NODES)],
            servers=runner.answers[CatalogQuery(each, SERVERS)],
            services=[runner.answers[query] for query in wanted[each]],
        )
        nodes += nodes_of(answers)
    return filters.select(nodes)


class _QueryRunner:
    """Runs queries in parallel, each of them once."""

    def __init__(
        self, connection: Connection, client: Client, pool: concurrent.futures.Executor
    ) -> None:
        """Nothing is sent yet."""
        self.answers: dict[CatalogQuery, t.Any] = {}
        self._connection = connection
        self._client = client
        self._clients: dict[str | None, ConsulClient] = {}
        self._pool = pool

    def run(self, queries: t.Iterable[CatalogQuery]) -> None:
        """Keep the answer to each."""
        fresh = [each for each in dict.fromkeys(queries) if each not in self.answers]
        for each in fresh:
            if each.datacenter not in self._clients:
                connection = dataclasses.replace(self._connection, datacenter=each.datacenter)
                self._clients[each.datacenter] = self._client(connection)
        self.answers.update(zip(fresh, self._pool.map(self._one, fresh), strict=True))

    def _one(self, query: CatalogQuery) -> t.Any:
        more = {"filter": query.filter} if query.filter else {}
        try:
            answer = self._clients[query.datacenter].get(query.path, **more)
        except (RequestRefused, Unavailable) as error:
            # Consul answers an invalid filter with status 500.
            if "boolean expression" not in str(error):
                raise
            reason = str(error).partition(". Check the cluster")[0]
            raise RequestRefused(f"{reason}. Correct the filter {query.filter!r}") from error
        return [] if answer is None else answer


def _datacenters(
    connection: Connection, filters: Filters, runner: _QueryRunner
) -> tuple[str | None, ...]:
    """The datacenters to query; patterns need the list of all of them."""
    if not filters.datacenters:
        return (connection.datacenter,)
    if exact(filters.datacenters):
        return tuple(dict.fromkeys(filters.datacenters))
    query = CatalogQuery(connection.datacenter, DATACENTERS)
    runner.run([query])
    return tuple(matching(runner.answers[query], filters.datacenters))


def _wanted(
    datacenter: str | None, filters: Filters, named: bool, runner: _QueryRunner
) -> tuple[CatalogQuery, ...]:
    """The queries for the instances of each wanted service."""
    if named:
        names = list(filters.services)
    else:
        known = sorted(runner.answers[CatalogQuery(datacenter, SERVICES)])
        names = matching(known, filters.services) if filters.services else known
    return tuple(
        CatalogQuery(datacenter, f"/v1/health/service/{name}", filters.service_expression)
        for name in dict.fromkeys(names)
        # These would change the path.
        if not {"", ".", ".."} & set(name.split("/"))
    )
