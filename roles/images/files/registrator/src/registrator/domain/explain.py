"""Why a container is registered as it is: found by trying what each input changes. Pure.

Every label, variable, flag and fact is taken away or altered in turn, and the services are derived
anew. An input that changes a field is a reason for it. So this knows no rule of its own that could
differ from the daemon's.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .model import Binding, Container, Ignored, Port, Service
from .plan import payload
from .services import services_of
from .settings import Settings

# Documentation's own network: no container has such an address.
_ELSEWHERE = "192.0.2.99"
_FLAGS = {
    "ip": "-ip",
    "internal": "-internal",
    "explicit": "-explicit",
    "use_ip_from_label": "-useIpFromLabel",
    "tags": "-tags",
    "network": "-network",
    "script_checks": "-script-checks",
    "docker_health": "-docker-health",
}
# What a field comes from where no input that could be altered here has any part in it.
_OTHERWISE = {"port": "the container's own port"}
_FIELDS = ("id", "name", "address", "port", "tags", "meta", "check", "weights", "health")


@dataclasses.dataclass(frozen=True)
class _World:
    """Everything that services are derived from."""

    container: Container
    settings: Settings
    own_ip: str

    def services(self) -> tuple[list[Service], list[Ignored]]:
        """What the daemon makes of it."""
        services, ignored = services_of(self.container, self.settings, self.own_ip)
        return list(services), list(ignored)

    def but(self, **changes: Any) -> _World:
        """The same with another container."""
        return dataclasses.replace(self, container=dataclasses.replace(self.container, **changes))

    def set(self, **changes: Any) -> _World:
        """The same with other settings."""
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, **changes))


def explain(container: Container, settings: Settings, own_ip: str) -> str:
    """Each service with the reasons for its fields and its payload, each port that is ignored."""
    world = _World(container, settings, own_ip)
    services, ignored = world.services()
    tried = [(text, changed.services()) for text, changed in _inputs(world)]
    lines = [f"container {container.short_id} {container.name}, image {container.image}"]
    for number, service in enumerate(services):
        lines += ["", f"service {service.id}"]
        reasons = _reasons(service, number, len(services), tried)
        for field in _FIELDS:
            if value := getattr(service, field, None):
                why = "; ".join(reasons[field]) or _OTHERWISE.get(field, "default")
                lines.append(f"  {field:8} {_shown(value):32} # {why}")
        body = json.dumps(payload(service, settings.hostname), indent=2, ensure_ascii=False)
        lines += ["  payload", *(f"  {line}" for line in body.splitlines())]
    for entry in ignored:
        causes = [text for text, (_services, left) in tried if entry not in left]
        lines += ["", f"ignored: {entry.reason}"]
        lines += [f"  {text}" for text in dict.fromkeys(causes)]
    return "\n".join(lines) + "\n"


def _reasons(
    service: Service,
    number: int,
    count: int,
    tried: list[tuple[str, tuple[list[Service], list[Ignored]]]],
) -> dict[str, list[str]]:
    """By field, the inputs that change it; a service is found again by its place or identifier."""
    reasons: dict[str, list[str]] = {field: [] for field in _FIELDS}
    for text, (services, _ignored) in tried:
        others = [entry for entry in services if entry.id == service.id]
        if not others and len(services) == count:
            others = [services[number]]
        for other in others:
            changed = {
                field
                for field in _FIELDS
                if getattr(service, field, None) != getattr(other, field, None)
            }
            # A check names the address and the port: their reasons are told there.
            if changed & {"address", "port"}:
                changed.discard("check")
            for field in changed:
                if text not in reasons[field]:
                    reasons[field].append(text)
    return reasons


def _inputs(world: _World) -> Iterator[tuple[str, _World]]:
    """Every input by the name that a person gave it, with the world in which it is another."""
    container, settings = world.container, world.settings
    for key, value in container.labels.items():
        if key.startswith("SERVICE_") or key == settings.use_ip_from_label:
            rest = {name: text for name, text in container.labels.items() if name != key}
            yield f"label {key}={value}", world.but(labels=rest)
            for other in _others(value):
                yield f"label {key}={value}", world.but(labels={**container.labels, key: other})
    for entry in container.env:
        key, _equals, value = entry.partition("=")
        if key.startswith("SERVICE_"):
            place = container.env.index(entry)
            before, after = container.env[:place], container.env[place + 1 :]
            yield f"variable {entry}", world.but(env=(*before, *after))
            for other in _others(value):
                yield f"variable {entry}", world.but(env=(*before, f"{key}={other}", *after))
    yield from _flags(world)
    yield f"image {container.image}", world.but(image="another/one:1")
    yield f"container name {container.name}", world.but(name="another")
    yield f"host name {settings.hostname}", world.set(hostname="another")
    yield f"this host's address {world.own_ip}", dataclasses.replace(world, own_ip=_ELSEWHERE)
    for name, addresses in container.networks.items():
        moved = {**container.networks, name: (_ELSEWHERE,)}
        yield f"address {', '.join(addresses)} in network {name}", world.but(networks=moved)
    for port in container.ports:
        yield from _port(world, port)


def _flags(world: _World) -> Iterator[tuple[str, _World]]:
    """Every flag that is set."""
    for field, flag in _FLAGS.items():
        value = getattr(world.settings, field)
        if value:
            text = flag if value is True else f"{flag}={value}"
            yield text, world.set(**{field: False if value is True else ""})
            if isinstance(value, str):
                yield text, world.set(**{field: _ELSEWHERE})
    for item in sorted(world.settings.restore):
        yield f"-restore={item}", world.set(restore=world.settings.restore - {item})


def _port(world: _World, port: Port) -> Iterator[tuple[str, _World]]:
    """Where a port is published, and that it is not the only one."""
    ports = world.container.ports

    def instead(binding: Binding | None) -> _World:
        changed = dataclasses.replace(port, binding=binding)
        return world.but(ports=tuple(changed if entry == port else entry for entry in ports))

    named = f"port {port.number}/{port.protocol}"
    if port.binding is None:
        yield f"{named} is not published", instead(Binding("0.0.0.0", port.number))
    else:
        text = f"{named} is published on {port.binding.host_ip}:{port.binding.host_port}"
        yield text, instead(Binding(_ELSEWHERE, port.binding.host_port))
        yield text, instead(Binding(port.binding.host_ip, port.binding.host_port % 65535 + 1))
    if len(ports) > 1:
        yield "one of several ports", world.but(ports=(port,))


def _others(value: str) -> tuple[str, ...]:
    """Values instead of this one, one of which is likely to be as valid as it was."""
    return (f"{value}x", f"1{value}", "true" if value != "true" else "false")


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(entry) for entry in value)
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return str(value)
