"""What to read of Consul's catalog, and what the answers mean. Pure.

A parser raises ValueError for an answer that Consul does not give.
"""

from __future__ import annotations

import dataclasses
import functools
import urllib.parse
from collections.abc import Callable, Collection, Mapping

from ...model import Skip
from ...settings import validation
from ...settings.validation import InvalidValue
from ..answers import decoded, mapping, objects, text, texts
from ..subscription import Subscription
from . import registrations
from .registrations import BY_NODE, BY_SERVICE, Failing, Part

NODES = "/v1/catalog/nodes"
SERVICES = "/v1/catalog/services"
# No node has this metadata. The answer is empty and has the index of all services: for 1,000 of
# them it takes 0.7 ms, and the list of their names 8 ms.
SERVICES_INDEX = f"{SERVICES}?node-meta=rollcall-none:none"
_CHECKS = "/v1/health/state/any?filter="
# No check has an empty ID. The index moves with every check that changes.
CHECKS_INDEX = _CHECKS + urllib.parse.quote('CheckID == ""')
NOT_PASSING = _CHECKS + urllib.parse.quote('Status != "passing"')
# Consul compares each service with each name. With more names than these it takes longer than
# reading all services does.
_MAX_FILTERED_NAMES = 100

# The address of each node by its name.
Nodes = Mapping[str, str]
# The tags of all its instances, by the name of each service.
Services = Mapping[str, Collection[str]]


@dataclasses.dataclass(frozen=True)
class Query:
    """A part of the catalog; the answer to `probe` is small and has the same index."""

    path: str
    probe: str
    parse: Callable[[Part | None, bytes], Part] = dataclasses.field(compare=False)


def nodes(content: bytes) -> Nodes:
    """The answer to NODES."""
    listed = objects(decoded(content))
    found = {text(each.get("Node")): text(each.get("Address")) for each in listed}
    if not found:
        raise ValueError("the catalog has no nodes, or the token may not read them")
    return found


def services(content: bytes) -> Services:
    """The answer to SERVICES."""
    return {name: texts(tags) for name, tags in mapping(decoded(content)).items()}


def failing(content: bytes) -> Failing:
    """The answer to NOT_PASSING; a check without a service is one of its whole node."""
    listed = objects(decoded(content))
    return frozenset((text(each.get("Node")), text(each.get("ServiceID"))) for each in listed)


def nothing(content: bytes) -> None:
    """An answer of which only the index counts."""
    body = decoded(content)
    if not isinstance(body, list | dict):
        raise ValueError("the answer is neither a list nor an object")


def plan(
    subscription: Subscription, known_nodes: Nodes, known_services: Services
) -> tuple[tuple[Query, ...], tuple[Skip, ...]]:
    """The fewest queries that read all followed services, and what cannot be read.

    They are one for each service or one for each node.
    """
    names = {
        name
        for name, tags in known_services.items()
        if subscription.follows(name, tags) and not subscription.declares(name)
    }
    if len(subscription.names) + len(names) <= len(known_nodes):
        return _queries_by_service(subscription, names)
    return _queries_by_node(subscription, known_nodes)


def _queries_by_service(
    subscription: Subscription, discovered: Collection[str]
) -> tuple[tuple[Query, ...], tuple[Skip, ...]]:
    names, skips = set(subscription.names), []
    for name in sorted(discovered):
        try:
            names.add(validation.name(name))
        except InvalidValue as error:
            skips.append(Skip(validation.quoted(name), str(error)))
    tagged = _filter(f'"{subscription.tag}" in ServiceTags')
    parse = functools.partial(registrations.parse, BY_SERVICE, subscription)
    found = []
    for name in sorted(names):
        path = f"/v1/catalog/service/{_quoted(name)}"
        whole = path if subscription.declares(name) else path + tagged
        found.append(Query(whole, path + _filter('ServiceID == ""'), parse))
    return tuple(found), tuple(skips)


def _queries_by_node(
    subscription: Subscription, known_nodes: Nodes
) -> tuple[tuple[Query, ...], tuple[Skip, ...]]:
    condition = _condition(subscription)
    parse = functools.partial(registrations.parse, BY_NODE, subscription)
    found, skips = [], []
    for node in sorted(known_nodes):
        # Consul refuses a path with such a character, and redirects one with dots.
        if not node.isprintable() or node in (".", ".."):
            skips.append(Skip(validation.quoted(node), "Consul cannot be asked for this node"))
            continue
        path = f"/v1/catalog/node-services/{_quoted(node)}"
        found.append(Query(path + condition, path + _filter('ID == ""'), parse))
    return tuple(found), tuple(skips)


def _condition(subscription: Subscription) -> str:
    """The filter for the services of a node; "" for all of them."""
    if len(subscription.names) > _MAX_FILTERED_NAMES:
        return ""
    parts = [] if subscription.tag is None else [f'"{subscription.tag}" in Tags']
    if subscription.names:
        parts.append(f'Service matches "(?i)^({"|".join(sorted(subscription.names))})$"')
    return _filter(" or ".join(parts))


def _filter(condition: str) -> str:
    return f"?filter={_quoted(condition)}"


def _quoted(part: str) -> str:
    return urllib.parse.quote(part, safe="")
