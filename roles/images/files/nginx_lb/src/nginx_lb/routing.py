"""Which host and path leads to which instances: settings and snapshot in, a site out. Pure.

A route of the inventory cannot be taken by a tag, and a discovered service keeps a route it has:
nobody who may start a container can have another service's requests.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping

from .discovery.snapshot import Instance, Instances, Skip
from .protection.guard import Record
from .settings import validation as grammar
from .settings.model import BALANCES, Service, Settings, Tuning
from .settings.validation import Unfit

# A host name and a path; "" is every host that no service names.
Claim = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Upstream:
    """A set of instances and how they are reached; the key is nginx's name for it."""

    key: str
    service: str
    instances: Instances
    tuning: Tuning


@dataclasses.dataclass(frozen=True)
class Route:
    """A path of a host, and where its requests go."""

    host: str
    path: str
    upstream: Upstream
    strip_path: bool = False
    snippet: str = ""

    @property
    def claim(self) -> Claim:
        """What no two routes share."""
        return self.host, self.path


@dataclasses.dataclass(frozen=True)
class Site:
    """All that nginx serves, in a fixed order, and what was left out."""

    upstreams: tuple[Upstream, ...]
    routes: tuple[Route, ...]
    skipped: tuple[Skip, ...] = ()

    @property
    def holders(self) -> dict[Claim, str]:
        """The service that has each route."""
        return {route.claim: route.upstream.service for route in self.routes}


def declared(options: Settings, services: Mapping[str, Instances]) -> dict[str, Instances]:
    """The instances of the inventory's services, those without any too.

    An instance that lacks its service's tag is left out.
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
    """The instances of the services that present themselves and are none of the inventory's."""
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
    """The records that these settings ask for: what the operator took out is no loss."""
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
        grammar.reachable(grammar.address(instance.place.address), options.networks)
    except Unfit:
        return False
    return True


def service_key(service: Service) -> str:
    """What tells a service's set of instances from another tag's of the same service."""
    return f"{service.tag}.{service.name}" if service.tag else service.name


def plan(options: Settings, served: Mapping[str, Instances], holders: Mapping[Claim, str]) -> Site:
    """The site for these instances by key; `holders` had the routes until now."""
    routes, skipped = _declared(options, served), []
    if options.discover is None:
        return _site(routes, ())
    taken: dict[Claim, str] = {route.claim: route.upstream.service for route in routes}
    names = {route.upstream.key.lower() for route in routes}
    keys = {service_key(service) for service in options.services}
    candidates = sorted(
        (name for name in served if name not in keys),
        key=lambda name: (name not in holders.values(), name),
    )
    for name in candidates:
        if name.lower() in names:
            skipped.append(Skip(name, "its name differs from another service's only in case"))
            continue
        names.add(name.lower())
        found, problems = _discovered(options, name, served[name])
        skipped += problems
        for route in found:
            holder = taken.setdefault(route.claim, name)
            if holder == name:
                routes.append(route)
            else:
                where = f"{route.host or 'every host'} {route.path}"
                skipped.append(Skip(name, f"{where} is {holder}'s already"))
    return _site(routes, skipped)


def _site(routes: Iterable[Route], skipped: Iterable[Skip]) -> Site:
    ordered = sorted(routes, key=lambda route: (route.host, route.path))
    upstreams = {route.upstream.key: route.upstream for route in ordered}
    return Site(tuple(upstreams[key] for key in sorted(upstreams)), tuple(ordered), tuple(skipped))


def _declared(options: Settings, served: Mapping[str, Instances]) -> list[Route]:
    """The inventory's routes. Services that differ in their set or tuning get upstreams apart."""
    made: dict[tuple[str, Tuning], Upstream] = {}
    keys: set[str] = set()
    routes = []
    for service in options.services:
        identity = (service_key(service), service.tuning)
        if identity not in made:
            key = _free(service.name, keys)
            keys.add(key.lower())
            instances = served.get(service_key(service), ())
            made[identity] = Upstream(key, service.name, instances, service.tuning)
        for host in service.hosts or ("",):
            routes.append(
                Route(host, service.path, made[identity], service.strip_path, service.snippet)
            )
    return routes


def _free(name: str, keys: set[str]) -> str:
    """The name, or the name with a number that makes it unique: nginx ignores case."""
    number, key = 1, name
    while key.lower() in keys:
        number += 1
        key = f"{name}.{number}"
    return key


def _discovered(
    options: Settings, name: str, instances: Instances
) -> tuple[list[Route], list[Skip]]:
    """The routes that a service's instances claim; an instance that claims nonsense is left out."""
    assert options.discover is not None
    marker = options.discover.tag
    good, skipped, claims = [], [], []
    for instance in instances:
        try:
            claim = _claim(marker, instance.tags, options.discover.hosts)
        except Unfit as error:
            skipped.append(Skip(name, f"{instance.place}: {error}"))
            continue
        good.append(instance)
        claims.append(claim)
    if not good:
        return [], skipped
    # The first in order decides: instances of two releases may say different things for a while.
    balance = claims[0].balance or options.defaults.balance
    tuning = dataclasses.replace(options.defaults, balance=balance)
    upstream = Upstream(name, name, tuple(good), tuning)
    wanted = dict.fromkeys((host, claim.path) for claim in claims for host in claim.hosts)
    return [Route(*each, upstream, claims[0].strip_path) for each in wanted], skipped


@dataclasses.dataclass(frozen=True)
class _Claim:
    hosts: tuple[str, ...]
    path: str
    balance: str
    strip_path: bool


# Rereading a thousand services' tags at each change of one would cost more than the rest.
@functools.lru_cache(16384)
def _claim(marker: str, tags: tuple[str, ...], allowed: tuple[str, ...]) -> _Claim:
    """What an instance's tags ask for. Unfit where the grammar or the operator refuses it."""
    said: dict[str, list[str]] = {}
    for tag in tags:
        word, separator, value = tag.removeprefix(f"{marker}.").partition("=")
        if tag.startswith(f"{marker}.") and separator:
            said.setdefault(word, []).append(value)
    unknown = sorted(set(said) - {"host", "path", "balance", "strip_path"})
    if unknown:
        raise Unfit(f"tag {grammar.quoted(f'{marker}.{unknown[0]}')} is none we know")
    hosts = tuple(dict.fromkeys(grammar.host(value) for value in said.get("host", ())))
    if not hosts:
        raise Unfit(f"no tag {marker}.host says its host name")
    for host in hosts:
        if allowed and not any(covers(pattern, host) for pattern in allowed):
            raise Unfit(f"host name {host} is outside of what may be discovered")
    balances = [grammar.choice(value, BALANCES) for value in said.get("balance", ())]
    strips = [grammar.choice(value, ("true", "false")) for value in said.get("strip_path", ())]
    return _Claim(
        hosts,
        grammar.path(_single(said.get("path", ["/"]), "path")),
        _single(balances or [""], "balance"),
        _single(strips or ["false"], "strip_path") == "true",
    )


def covers(pattern: str, host: str) -> bool:
    """Whether a host name is the pattern, or below its `*.`."""
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _single(values: list[str], what: str) -> str:
    if len(values) > 1:
        raise Unfit(f"it says {what} more than once")
    return values[0]
