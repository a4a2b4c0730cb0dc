"""Explains a container's services by varying each input. Pure.

Every label, variable, flag and fact is removed or changed in turn, and the services are derived
again. An input that changes a field is a reason for it. So this has no rule of its own that could
differ from the daemon's.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .model import Binding, Container, Ignored, Port, Service
from .plan import registration
from .services import services_of
from .settings import Settings

# A documentation network (RFC 5737): no container has such an address.
_OTHER_IP = "192.0.2.99"
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
# The reason for a field that no varied input changes.
_FALLBACK = {"port": "the container's own port"}
_FIELDS = ("id", "name", "address", "port", "tags", "meta", "check", "weights", "health")


@dataclasses.dataclass(frozen=True)
class _Inputs:
    """All inputs that services are derived from."""

    container: Container
    settings: Settings
    host_ip: str

    def services(self) -> tuple[list[Service], list[Ignored]]:
        """The services and the ignored ports, as the daemon derives them."""
        services, ignored = services_of(self.container, self.settings, self.host_ip)
        return list(services), list(ignored)

    def vary(self, **changes: Any) -> _Inputs:
        """The same with a changed container."""
        return dataclasses.replace(self, container=dataclasses.replace(self.container, **changes))

    def vary_settings(self, **changes: Any) -> _Inputs:
        """The same with changed settings."""
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, **changes))


def explain(container: Container, settings: Settings, host_ip: str) -> str:
    """Each service with its payload and the reasons for its fields, and each ignored port."""
    inputs = _Inputs(container, settings, host_ip)
    services, ignored = inputs.services()
    tried = [(text, changed.services()) for text, changed in _variations(inputs)]
    lines = [f"container {container.short_id} {container.name}, image {container.image}"]
    for number, service in enumerate(services):
        lines += ["", f"service {service.id}"]
        reasons = _reasons(service, number, len(services), tried)
        for field in _FIELDS:
            if value := getattr(service, field, None):
                why = "; ".join(reasons[field]) or _FALLBACK.get(field, "default")
                lines.append(f"  {field:8} {_shown(value):32} # {why}")
        body = registration(service, settings.hostname).body
        text = json.dumps(body, indent=2, ensure_ascii=False)
        lines += ["  payload", *(f"  {line}" for line in text.splitlines())]
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
    """The inputs that change each field; a service is matched by its identifier or position."""
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
            # A check contains the address and the port, whose reasons are listed with them.
            if changed & {"address", "port"}:
                changed.discard("check")
            for field in changed:
                if text not in reasons[field]:
                    reasons[field].append(text)
    return reasons


def _variations(inputs: _Inputs) -> Iterator[tuple[str, _Inputs]]:
    """Every input as the user knows it, with the inputs in which it is changed."""
    container, settings = inputs.container, inputs.settings
    for key, value in container.labels.items():
        if key.startswith("SERVICE_") or key == settings.use_ip_from_label:
            rest = {name: text for name, text in container.labels.items() if name != key}
            yield f"label {key}={value}", inputs.vary(labels=rest)
            for other in _others(value):
                yield f"label {key}={value}", inputs.vary(labels={**container.labels, key: other})
    for entry in container.env:
        key, _equals, value = entry.partition("=")
        if key.startswith("SERVICE_"):
            position = container.env.index(entry)
            before, after = container.env[:position], container.env[position + 1 :]
            yield f"variable {entry}", inputs.vary(env=(*before, *after))
            for other in _others(value):
                yield f"variable {entry}", inputs.vary(env=(*before, f"{key}={other}", *after))
    yield from _flags(inputs)
    yield f"image {container.image}", inputs.vary(image="another/one:1")
    yield f"container name {container.name}", inputs.vary(name="another")
    yield f"host name {settings.hostname}", inputs.vary_settings(hostname="another")
    yield f"this host's address {inputs.host_ip}", dataclasses.replace(inputs, host_ip=_OTHER_IP)
    for name, addresses in container.networks.items():
        moved = {**container.networks, name: (_OTHER_IP,)}
        yield f"address {', '.join(addresses)} in network {name}", inputs.vary(networks=moved)
    for port in container.ports:
        yield from _port(inputs, port)


def _flags(inputs: _Inputs) -> Iterator[tuple[str, _Inputs]]:
    """Every flag that is set."""
    for field, flag in _FLAGS.items():
        value = getattr(inputs.settings, field)
        if value:
            text = flag if value is True else f"{flag}={value}"
            yield text, inputs.vary_settings(**{field: False if value is True else ""})
            if isinstance(value, str):
                yield text, inputs.vary_settings(**{field: _OTHER_IP})
    for item in sorted(inputs.settings.restore):
        yield f"-restore={item}", inputs.vary_settings(restore=inputs.settings.restore - {item})


def _port(inputs: _Inputs, port: Port) -> Iterator[tuple[str, _Inputs]]:
    """The binding of a port, and the presence of other ports."""
    ports = inputs.container.ports

    def rebound(binding: Binding | None) -> _Inputs:
        changed = dataclasses.replace(port, binding=binding)
        return inputs.vary(ports=tuple(changed if entry == port else entry for entry in ports))

    named = f"port {port.number}/{port.protocol}"
    if port.binding is None:
        yield f"{named} is not published", rebound(Binding("0.0.0.0", port.number))
    else:
        text = f"{named} is published on {port.binding.host_ip}:{port.binding.host_port}"
        yield text, rebound(Binding(_OTHER_IP, port.binding.host_port))
        yield text, rebound(Binding(port.binding.host_ip, port.binding.host_port % 65535 + 1))
    if len(ports) > 1:
        yield "one of several ports", inputs.vary(ports=(port,))


def _others(value: str) -> tuple[str, ...]:
    """Other values, of which one is likely to be valid."""
    return (f"{value}x", f"1{value}", "true" if value != "true" else "false")


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(entry) for entry in value)
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return str(value)
