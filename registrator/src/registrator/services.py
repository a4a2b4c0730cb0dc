"""From a container to the services it offers: names, identifiers, addresses, tags and checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .labels import metadata, split_tags
from .model import Container, Ignored, Port, Service
from .settings import Settings

# Consul's limits, checked before it refuses a whole registration for one of them.
_META_PAIRS = 60
_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_META_VALUE_BYTES = 512
_TEXT = re.compile(r"[^\x00-\x1f\x7f{}]{1,255}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_RESERVED = {"name", "id", "tags", "ignore"}


def services_of(
    container: Container, settings: Settings, own_ip: str
) -> tuple[list[Service], list[Ignored]]:
    """The services of a container, and the ports that become none with their reasons.

    `own_ip` is the address the host's name resolves to: it stands for 0.0.0.0 where no -ip is set.
    """
    published = [port for port in container.ports if settings.internal or port.binding]
    services: list[Service] = []
    ignored: list[Ignored] = []
    if not published:
        return [], [Ignored(container.short_id, "no published ports")]
    for port in published:
        found = _service(container, port, settings, own_ip, is_group=len(published) > 1)
        (services if isinstance(found, Service) else ignored).append(found)  # type: ignore[arg-type]
    return services, ignored


def _service(
    container: Container, port: Port, settings: Settings, own_ip: str, *, is_group: bool
) -> Service | Ignored:
    """One port's service, or why there is none."""
    meta, specific = metadata(container, port.number)
    if meta.get("ignore"):
        return Ignored(container.short_id, f"service on port {port.number}")
    if settings.explicit and "name" not in meta:
        return Ignored(container.short_id, f"no SERVICE_NAME for port {port.number}")
    name = meta.get("name") or default_name(container.image)
    if is_group and "name" not in specific:
        name = f"{name}-{port.number}"
    tags = (*split_tags(meta.get("tags", "")), *split_tags(settings.tags))
    if port.protocol == "udp":
        tags = (*tags, "udp")
    suffix = ":udp" if port.protocol == "udp" else ""
    address = _address(container, port, settings, own_ip)
    number = port.number if settings.internal or not port.binding else port.binding.host_port
    service = Service(
        id=meta.get("id") or f"{settings.hostname}:{container.name}:{port.number}{suffix}",
        name=name,
        address=address,
        port=number,
        tags=tags,
        meta={key: value for key, value in meta.items() if key not in _RESERVED},
        check=_check(meta, address, number),
        container=container.short_id,
    )
    problem = refusal(service)
    return Ignored(container.short_id, f"port {port.number}: {problem}") if problem else service


def default_name(image: str) -> str:
    """The image's own name, without registry, tag and digest."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]


def refusal(service: Service) -> str | None:
    """Why Consul or its readers could not bear this service, None where they can."""
    if not _NAME.fullmatch(service.name):
        return f"name {service.name[:40]!r} is not a service name"
    if not _TEXT.fullmatch(service.id):
        return f"id {service.id[:40]!r} has control characters or braces, or is too long"
    for tag in service.tags:
        if not _TEXT.fullmatch(tag):
            return f"tag {tag[:40]!r} has control characters or braces, or is too long"
    if len(service.meta) > _META_PAIRS:
        return f"{len(service.meta)} metadata pairs are more than {_META_PAIRS}"
    for key, value in service.meta.items():
        if not _META_KEY.fullmatch(key) or len(value.encode()) > _META_VALUE_BYTES:
            return f"metadata {key[:40]!r} does not fit Consul's limits"
        if not value.isprintable():
            return f"metadata {key[:40]!r} has control characters"
    if not service.address:
        return "no address: set -ip"
    return None


def _address(container: Container, port: Port, settings: Settings, own_ip: str) -> str:
    """The address clients reach the port at; with a host port it is always the host's."""
    if settings.use_ip_from_label:
        labelled = container.labels.get(settings.use_ip_from_label, "").partition("/")[0]
        if labelled:
            return labelled
    if settings.internal:
        addresses = [ip for name in sorted(container.networks) for ip in container.networks[name]]
        return addresses[0] if addresses else own_ip
    if settings.ip:
        return settings.ip
    bound = port.binding.host_ip if port.binding else ""
    return own_ip if bound in ("", "0.0.0.0", "::") else bound


def _check(meta: Mapping[str, str], address: str, port: int) -> dict[str, Any] | None:
    """Consul's check: exactly one, the first kind that is asked for."""
    host = f"[{address}]" if ":" in address else address
    kinds: dict[str, Callable[[str], dict[str, Any]]] = {
        "check_http": lambda v: {"HTTP": f"http://{host}:{port}{v}", **_method(meta, "http")},
        "check_https": lambda v: {"HTTP": f"https://{host}:{port}{v}", **_method(meta, "https")},
        "check_ttl": lambda v: {"TTL": v},
        "check_tcp": lambda v: {"TCP": f"{host}:{port}"},
        "check_grpc": lambda v: {
            "GRPC": f"{host}:{port}",
            "GRPCUseTLS": bool(meta.get("check_grpc_use_tls")),
        },
    }
    kind = next((kind for kind in kinds if meta.get(kind)), None)
    if kind is None:
        return None
    check = kinds[kind](meta[kind])
    if kind != "check_ttl":
        check["Interval"] = meta.get("check_interval", "10s")
        if meta.get("check_timeout"):
            check["Timeout"] = meta["check_timeout"]
    if meta.get("check_tls_skip_verify"):
        check["TLSSkipVerify"] = True
    if meta.get("check_initial_status"):
        check["Status"] = meta["check_initial_status"]
    if meta.get("check_deregister_after"):
        check["DeregisterCriticalServiceAfter"] = meta["check_deregister_after"]
    return check


def _method(meta: Mapping[str, str], kind: str) -> dict[str, str]:
    method = meta.get(f"check_{kind}_method")
    return {"Method": method} if method else {}
