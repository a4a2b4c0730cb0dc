"""Which host and path is routed to which instances: settings and instances in, a site out. Pure.

A tag cannot claim a route of the inventory, and a discovered service keeps the routes it has:
somebody who may start a container cannot take over the requests of another service.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping

from .model import Instance, Instances, Record, Skip
from .settings import validation
from .settings.model import BALANCES, Service, Settings, Tuning
from .settings.validation import InvalidValue

# A host name and a path; "" stands for every host that no service names.
Claim = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Upstream:
    """How requests reach the instances of a service; `key` is its name in nginx.

    `service_key` names the instances, which are no part of nginx's configuration.
    """

    key: str
    service: str
    service_key: str
    tuning: Tuning

    @property
    def instance_set(self) -> str:
        """The name of its instances in nginx; without weights they are another set."""
        return self.service_key if self.tuning.weights else f"{self.service_key}+even"


@dataclasses.dataclass(frozen=True)
class Route:
    """A path of a host, and the upstream of its requests."""

    host: str
    path: str
    upstream: Upstream
    strip_path: bool = False
    snippet: str = ""

    @property
    def claim(self) -> Claim:
        """The host and path, unique among all routes."""
        return self.host, self.path


@dataclasses.dataclass(frozen=True)
class Site:
    """All that nginx serves, in a fixed order, and what was skipped.

    `upstreams` and `routes` are nginx's configuration; `services` are the instances by service key.
    """

    upstreams: tuple[Upstream, ...]
    routes: tuple[Route, ...]
    services: Mapping[str, Instances]
    skipped: tuple[Skip, ...] = ()

    @functools.cached_property
    def instance_sets(self) -> dict[str, Instances]:
        """The instances by the name that nginx has for them."""
        return {
            each.instance_set: _weighted(self.services.get(each.service_key, ()), each.tuning)
            for each in self.upstreams
        }

    @property
    def owners(self) -> dict[Claim, str]:
        """The service that owns each route."""
        return {route.claim: route.upstream.service for route in self.routes}


def declared(options: Settings, services: Mapping[str, Instances]) -> dict[str, Instances]:
    """The instances of each service of the inventory, also where it has none.

    An instance without the tag of its service is left out.
    """
    return {
        service_key(service): tuple(
            each
            for each in services.get(service.name, ())
            if not service.tag or service.tag in each.tags
        )
        for service in options.services
    }


def discovered(options: Settings, services: Mapping[str, Instances]) -> dict[str, Instances]:
    """The instances with the discovery tag, of services that the inventory does not name."""
    if options.discover is None:
        return {}
    names = {service.name for service in options.services}
    marked = {
        name: tuple(each for each in instances if options.discover.tag in each.tags)
        for name, instances in services.items()
        if name not in names
    }
    return {name: instances for name, instances in marked.items() if instances}


def still_served(options: Settings, records: Mapping[str, Record]) -> dict[str, Record]:
    """The records that these settings still include: what the operator removed is not a loss."""
    keys = {service_key(service) for service in options.services}
    marker = options.discover.tag if options.discover else None
    found = {key: Record() for key in keys}
    for name, record in records.items():
        instances = tuple(each for each in record.instances if _may_stay(each, options))
        discovered = any(marker in each.tags for each in instances)
        if name in keys or discovered:
            found[name] = dataclasses.replace(record, instances=instances)
    return found


def _may_stay(instance: Instance, options: Settings) -> bool:
    try:
        validation.reachable(validation.address(instance.endpoint.address), options.networks)
    except InvalidValue:
        return False
    return True


def service_key(service: Service) -> str:
    """The key of a service's set of instances: one for each tag of the same service."""
    return f"{service.tag}.{service.name}" if service.tag else service.name


def _weighted(instances: Instances, tuning: Tuning) -> Instances:
    if tuning.weights:
        return instances
    return tuple(dataclasses.replace(each, weight=1) for each in instances)


def plan(options: Settings, served: Mapping[str, Instances], owners: Mapping[Claim, str]) -> Site:
    """The site for these instances by service key; `owners` are the present route owners."""
    routes, skipped = _declared(options), []
    if options.discover is None:
        return _site(routes, served, ())
    taken: dict[Claim, str] = {route.claim: route.upstream.service for route in routes}
    names = {route.upstream.key.lower() for route in routes}
    keys = {service_key(service) for service in options.services}
    routable: dict[str, Instances] = {key: served.get(key, ()) for key in keys}
    candidates = sorted(
        (name for name in served if name not in keys),
        key=lambda name: (name not in owners.values(), name),
    )
    for name in candidates:
        if name.lower() in names:
            skipped.append(
                Skip(name, "its name differs from another service's only in upper and lower case")
            )
            continue
        names.add(name.lower())
        found, routable[name], problems = _discovered(options, name, served[name])
        skipped += problems
        for route in found:
            owner = taken.setdefault(route.claim, name)
            if owner == name:
                routes.append(route)
            else:
                where = f"{route.host or 'every host'} {route.path}"
                skipped.append(Skip(name, f"{where} is already owned by {owner}"))
    return _site(routes, routable, skipped)


def _site(
    routes: Iterable[Route], services: Mapping[str, Instances], skipped: Iterable[Skip]
) -> Site:
    ordered = sorted(routes, key=lambda route: (route.host, route.path))
    upstreams = {route.upstream.key: route.upstream for route in ordered}
    named = tuple(upstreams[key] for key in sorted(upstreams))
    found = {each.service_key: services.get(each.service_key, ()) for each in named}
    return Site(named, tuple(ordered), found, tuple(skipped))


def _declared(options: Settings) -> list[Route]:
    """The inventory's routes. Other instances or another tuning make a separate upstream."""
    made: dict[tuple[str, Tuning], Upstream] = {}
    keys: set[str] = set()
    routes = []
    for service in options.services:
        identity = (service_key(service), service.tuning)
        if identity not in made:
            key = _unique(service.name, keys)
            keys.add(key.lower())
            made[identity] = Upstream(key, service.name, *identity)
        for host in service.hosts or ("",):
            routes.append(
                Route(host, service.path, made[identity], service.strip_path, service.snippet)
            )
    return routes


def _unique(name: str, keys: set[str]) -> str:
    """The name, with a number where it is taken: nginx ignores upper and lower case."""
    number, key = 1, name
    while key.lower() in keys:
        number += 1
        key = f"{name}.{number}"
    return key


def _discovered(
    options: Settings, name: str, instances: Instances
) -> tuple[list[Route], Instances, list[Skip]]:
    """The routes that a service's instances claim; an instance with invalid tags is skipped."""
    assert options.discover is not None
    marker = options.discover.tag
    good, skipped, claims = [], [], []
    for instance in instances:
        try:
            claim = _claim(marker, instance.tags, options.discover.hosts)
        except InvalidValue as error:
            skipped.append(Skip(name, f"{instance.endpoint}: {error}"))
            continue
        good.append(instance)
        claims.append(claim)
    if not good:
        return [], (), skipped
    # The first in order decides: instances of two releases may have different tags for a while.
    balance = claims[0].balance or options.defaults.balance
    tuning = dataclasses.replace(options.defaults, balance=balance)
    upstream = Upstream(name, name, name, tuning)
    wanted = dict.fromkeys((host, claim.path) for claim in claims for host in claim.hosts)
    routes = [Route(*each, upstream, claims[0].strip_path) for each in wanted]
    return routes, tuple(good), skipped


@dataclasses.dataclass(frozen=True)
class _Claim:
    hosts: tuple[str, ...]
    path: str
    balance: str
    strip_path: bool


# Parsing the tags of a thousand services at each change would cost more than everything else.
@functools.lru_cache(16384)
def _claim(marker: str, tags: tuple[str, ...], allowed: tuple[str, ...]) -> _Claim:
    """The route in an instance's tags. InvalidValue where it is malformed or not allowed."""
    values: dict[str, list[str]] = {}
    for tag in tags:
        key, separator, value = tag.removeprefix(f"{marker}.").partition("=")
        if tag.startswith(f"{marker}.") and separator:
            values.setdefault(key, []).append(value)
    unknown = sorted(set(values) - {"host", "path", "balance", "strip_path"})
    if unknown:
        raise InvalidValue(f"unknown tag {validation.quoted(f'{marker}.{unknown[0]}')}")
    hosts = tuple(dict.fromkeys(validation.host(value) for value in values.get("host", ())))
    if not hosts:
        raise InvalidValue(f"the tag {marker}.host is missing")
    for host in hosts:
        if allowed and not any(covers(pattern, host) for pattern in allowed):
            raise InvalidValue(f"host name {host} is outside the allowed host names")
    balances = [validation.choice(value, BALANCES) for value in values.get("balance", ())]
    strips = [validation.choice(value, ("true", "false")) for value in values.get("strip_path", ())]
    return _Claim(
        hosts,
        validation.path(_single(values.get("path", ["/"]), "path")),
        _single(balances or [""], "balance"),
        _single(strips or ["false"], "strip_path") == "true",
    )


def covers(pattern: str, host: str) -> bool:
    """Whether a host name equals the pattern or is below its `*.`."""
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _single(values: list[str], what: str) -> str:
    if len(values) > 1:
        raise InvalidValue(f"{what} is set more than once")
    return values[0]
