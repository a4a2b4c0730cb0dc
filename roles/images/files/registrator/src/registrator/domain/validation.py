"""What Consul and its readers can bear: containers are strangers, and their words are checked."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from .model import Service

# Consul takes 64 pairs; the marks that tell our services from others need some of them.
META_PAIRS = 60
_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_META_VALUE_BYTES = 512
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})")
# Braces would end up in consul-template's templates and in the configuration made of them.
_BRACES = frozenset("{}")
_TEXT_LENGTH = 255
_TAGS = 256
# Go's time.ParseDuration, without a sign; it takes the micro sign and the Greek letter.
_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(_UNITS)})")
_DURATIONS = ("Interval", "Timeout", "TTL", "DeregisterCriticalServiceAfter")
_STATUSES = ("passing", "warning", "critical")
CHECK_LENGTH = 4096


class Unfit(Exception):
    """No service can be made of these words; says why, for a person to read."""


def quoted(text: str) -> str:
    """The beginning of a stranger's words, safe to print."""
    return ascii(text[:40])


def is_text(text: str) -> bool:
    """Whether it can be printed, has no braces and is not too long."""
    return 0 < len(text) <= _TEXT_LENGTH and text.isprintable() and not _BRACES & set(text)


def fits_meta(key: str, value: str) -> bool:
    """Whether a pair can stand in Consul's metadata."""
    return (
        _META_KEY.fullmatch(key) is not None
        and not key.startswith("consul-")
        and value.isprintable()
        and not _BRACES & set(value)
        and len(value.encode()) <= _META_VALUE_BYTES
    )


def demand(service: Service) -> None:
    """Raise Unfit unless Consul and its readers can bear the service."""
    if not _NAME.fullmatch(service.name):
        raise Unfit(f"name {quoted(service.name)} is not a service name")
    for what, text in (("id", service.id), *(("tag", tag) for tag in service.tags)):
        if not is_text(text):
            raise Unfit(f"{what} {quoted(text)} has control characters or braces, or is too long")
    if len(service.tags) > _TAGS:
        raise Unfit(f"{len(service.tags)} tags are more than {_TAGS}")
    if not is_host(service.address):
        raise Unfit(f"address {quoted(service.address)} is neither an IP address nor a host name")
    if len(service.meta) > META_PAIRS:
        raise Unfit(f"{len(service.meta)} metadata pairs are more than {META_PAIRS}")
    for key, value in service.meta.items():
        if not value.isprintable():
            raise Unfit(f"metadata {quoted(key)} has control characters")
        if _BRACES & set(value):
            raise Unfit(f"metadata {quoted(key)} has braces")
        if not fits_meta(key, value):
            raise Unfit(f"metadata {quoted(key)} does not fit Consul's limits")
    _demand_check(service.check or {})


def is_host(address: str) -> bool:
    """Whether clients could connect to it: a host's name, or an IP address other than 0.0.0.0."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return _HOST.fullmatch(address) is not None
    return address.isprintable() and not found.is_unspecified


def _demand_check(check: Mapping[str, Any]) -> None:
    for key, value in check.items():
        words = value if isinstance(value, list) else [str(value)]
        if sum(len(word) for word in words) > CHECK_LENGTH:
            raise Unfit(f"check {key} is longer than {CHECK_LENGTH} characters")
        if not all(_is_said(word, script=isinstance(value, list)) for word in words):
            raise Unfit(f"check {key} has control characters")
    for key in _DURATIONS:
        if key in check and not is_duration(check[key]):
            raise Unfit(f"check {key} {quoted(check[key])} is no duration: write 10s, 1m30s or 1h")
    if check.get("Status", "passing") not in _STATUSES:
        raise Unfit(f"check status {quoted(check['Status'])} is none of {', '.join(_STATUSES)}")


def _is_said(text: str, *, script: bool) -> bool:
    """A script may have lines and tabs."""
    return (text.replace("\n", "").replace("\t", "") if script else text).isprintable()


def seconds(duration: str) -> float | None:
    """A duration in Go's words, such as 1m30s; None for another text."""
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def is_duration(text: str) -> bool:
    """Whether Consul reads it as a time that is longer than none."""
    return bool(seconds(text))
