"""Derives a container's services: names, identifiers, tags and metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .addresses import endpoint_of
from .checks import Check, Target, check_of, consul_status, health_check
from .labels import metadata, split_tags
from .model import Container, Ignored, Port, Service
from .settings import Settings
from .validation import META_PAIRS, InvalidValue, is_meta, quoted, validate

_RESERVED = frozenset(
    {"name", "id", "tags", "ignore", "weight_passing", "weight_warning", "enable_tag_override"}
)
_HEX = re.compile(r"[0-9a-f]{12,64}")
_WEIGHT = re.compile(r"[0-9]{1,5}")
_HIGHEST_WEIGHT = 65535
_YES = ("1", "t", "true")
_NO = ("0", "f", "false")


def services_of(
    container: Container, settings: Settings, host_ip: str
) -> tuple[list[Service], list[Ignored]]:
    """The services of a container, and the ports without a service with the reasons.

    `host_ip` is the host's own address: it replaces 0.0.0.0 where no -ip is set. Never raises,
    whatever the labels of a container are.
    """
    if not container.ports:
        return [], [Ignored(container.short_id, "no published ports")]
    published = [port for port in container.ports if settings.internal or port.binding]
    services: dict[str, Service] = {}
    ignored: list[Ignored] = []
    for port in container.ports:
        try:
            if port not in published:
                raise InvalidValue(f"port {port.number} not published on host")
            service = _service(container, port, settings, host_ip, is_group=len(published) > 1)
            if service.id in services:
                raise InvalidValue(
                    f"port {port.number}: id {quoted(service.id)} is already used by another port"
                )
            services[service.id] = service
        except InvalidValue as error:
            ignored.append(Ignored(container.short_id, str(error)))
    return list(services.values()), ignored


def default_name(image: str) -> str:
    """The image's own name, without registry, tag and digest.

    An image that was started by its identifier has no name: the identifier's first twelve
    characters are used, so that two such images are never one service.
    """
    if image.startswith("sha256:"):
        image = image.removeprefix("sha256:")
    name = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return image[:12] if _HEX.fullmatch(image) else name


def _service(
    container: Container, port: Port, settings: Settings, host_ip: str, *, is_group: bool
) -> Service:
    """One port's service; InvalidValue where there is none."""
    meta, specific = metadata(container, port.number)
    if "ignore" in meta:
        raise InvalidValue(f"service on port {port.number}")
    if settings.explicit and "name" not in meta:
        raise InvalidValue(f"no SERVICE_NAME for port {port.number}")
    name = meta.get("name") or default_name(container.image)
    if is_group and "name" not in specific:
        name = f"{name}-{port.number}"
    suffix = ":udp" if port.protocol == "udp" else ""
    try:
        address, number = endpoint_of(container, port, settings, host_ip)
        target = Target(address, number, container.short_id, port.number)
        check, health = _health(container, meta, target, settings)
        service = Service(
            id=meta.get("id") or f"{settings.hostname}:{container.name}:{port.number}{suffix}",
            name=name,
            address=address,
            port=number,
            tags=_tags(meta, port, settings),
            meta=_meta(meta),
            check=check,
            container=container.short_id,
            weights=_weights(meta),
            enable_tag_override=_flag(meta, "enable_tag_override"),
            health=health,
        )
        validate(service)
    except InvalidValue as error:
        raise InvalidValue(f"port {port.number}: {error}") from error
    return service


def _health(
    container: Container, meta: Mapping[str, str], target: Target, settings: Settings
) -> tuple[Check | None, str]:
    """The check and, where it follows Docker's HEALTHCHECK, its status now."""
    check = check_of(meta, target, scripts=settings.script_checks)
    if check is not None or not settings.docker_health or not container.health:
        return check, ""
    health = consul_status(container.health, paused=container.paused)
    return health_check(health, meta, settings.resync), health


def _tags(meta: Mapping[str, str], port: Port, settings: Settings) -> tuple[str, ...]:
    """The service's own tags, those of -tags, and udp."""
    reverse = "tag-order" in settings.restore
    own = split_tags(meta.get("tags", ""), reverse=reverse)
    common = split_tags(settings.tags, reverse=reverse)
    return (*own, *common, *(("udp",) if port.protocol == "udp" else ()))


def _meta(meta: Mapping[str, str]) -> dict[str, str]:
    """All keys without a meaning of their own are metadata, and `check_*` too as in upstream.

    Of `check_*`, pairs that are not valid metadata, a long script for example, are left out and do
    not prevent the registration: nobody wrote them as metadata. Any other pair is never left out
    silently: if it is not valid, the service is ignored with the reason (B12).
    """
    pairs = {key: value for key, value in sorted(meta.items()) if key not in _RESERVED}
    own = {key: value for key, value in pairs.items() if not key.startswith("check_")}
    rest = [(key, value) for key, value in pairs.items() if key not in own and is_meta(key, value)]
    return {**own, **dict(rest[: max(0, META_PAIRS - len(own))])}


def _weights(meta: Mapping[str, str]) -> dict[str, int] | None:
    """`SERVICE_WEIGHT_PASSING` and `SERVICE_WEIGHT_WARNING` for Consul's DNS; both default to 1."""
    if "weight_passing" not in meta and "weight_warning" not in meta:
        return None
    weights = {}
    for key, lowest in (("passing", 1), ("warning", 0)):
        text = meta.get(f"weight_{key}", "1")
        if not _WEIGHT.fullmatch(text) or not lowest <= int(text) <= _HIGHEST_WEIGHT:
            raise InvalidValue(
                f"weight_{key} {quoted(text)} is not from {lowest} to {_HIGHEST_WEIGHT}"
            )
        weights[key.capitalize()] = int(text)
    return weights


def _flag(meta: Mapping[str, str], key: str) -> bool:
    text = meta.get(key, "false").lower()
    if text not in (*_YES, *_NO):
        raise InvalidValue(f"{key} {quoted(text)} is neither true nor false")
    return text in _YES
