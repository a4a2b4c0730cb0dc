"""Validates what containers ask for: untrusted input that Consul and its readers must accept."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from .model import Service

# Consul's limit is 64 pairs; our marks need some of them.
META_PAIRS = 60
_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_META_VALUE_BYTES = 512
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})")
# Braces would reach consul-template's templates and the configuration rendered from them.
_BRACES = frozenset("{}")
_TEXT_LENGTH = 255
_TAGS = 256
# As Go's time.ParseDuration, without a sign; both the micro sign and the Greek letter are valid.
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


class InvalidValue(Exception):
    """A value from which no service can be registered; the message is logged."""


def quoted(text: str) -> str:
    """The beginning of an untrusted text, safe to log."""
    return ascii(text[:40])


def is_text(text: str) -> bool:
    """Whether it is printable, has no braces and is not too long."""
    return 0 < len(text) <= _TEXT_LENGTH and text.isprintable() and not _BRACES & set(text)


def is_meta(key: str, value: str) -> bool:
    """Whether a pair is valid in Consul's metadata."""
    return (
        _META_KEY.fullmatch(key) is not None
        and not key.startswith("consul-")
        and value.isprintable()
        and not _BRACES & set(value)
        and len(value.encode()) <= _META_VALUE_BYTES
    )


def validate(service: Service) -> None:
    """Raise InvalidValue unless Consul accepts the service and its readers can process it."""
    if not _NAME.fullmatch(service.name):
        raise InvalidValue(f"name {quoted(service.name)} is not a service name")
    for what, text in (("id", service.id), *(("tag", tag) for tag in service.tags)):
        if not is_text(text):
            raise InvalidValue(
                f"{what} {quoted(text)} has control characters or braces, or is too long"
            )
    if len(service.tags) > _TAGS:
        raise InvalidValue(f"{len(service.tags)} tags are more than {_TAGS}")
    if not is_host(service.address):
        raise InvalidValue(
            f"address {quoted(service.address)} is neither an IP address nor a host name"
        )
    if len(service.meta) > META_PAIRS:
        raise InvalidValue(f"{len(service.meta)} metadata pairs are more than {META_PAIRS}")
    for key, value in service.meta.items():
        if not value.isprintable():
            raise InvalidValue(f"metadata {quoted(key)} has control characters")
        if _BRACES & set(value):
            raise InvalidValue(f"metadata {quoted(key)} has braces")
        if not is_meta(key, value):
            raise InvalidValue(f"metadata {quoted(key)} does not fit Consul's limits")
    _validate_check(service.check or {})


def is_host(address: str) -> bool:
    """Whether clients can connect to it: a host name, or an IP address other than 0.0.0.0."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return _HOST.fullmatch(address) is not None
    return address.isprintable() and not found.is_unspecified


def _validate_check(check: Mapping[str, Any]) -> None:
    for key, value in check.items():
        texts = value if isinstance(value, list) else [str(value)]
        if sum(len(text) for text in texts) > CHECK_LENGTH:
            raise InvalidValue(f"check {key} is longer than {CHECK_LENGTH} characters")
        if not all(_is_printable(text, script=isinstance(value, list)) for text in texts):
            raise InvalidValue(f"check {key} has control characters")
    for key in _DURATIONS:
        if key in check and not is_duration(check[key]):
            raise InvalidValue(
                f"check {key} {quoted(check[key])} is not a duration such as 10s, 1m30s or 1h"
            )
    if check.get("Status", "passing") not in _STATUSES:
        raise InvalidValue(
            f"check status {quoted(check['Status'])} is not one of {', '.join(_STATUSES)}"
        )


def _is_printable(text: str, *, script: bool) -> bool:
    """Whether all characters are printable; a script may have line breaks and tabs."""
    return (text.replace("\n", "").replace("\t", "") if script else text).isprintable()


def duration_seconds(duration: str) -> float | None:
    """The seconds of a duration in Go's syntax, such as 1m30s; None for another text."""
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def is_duration(text: str) -> bool:
    """Whether it is a duration greater than zero."""
    return bool(duration_seconds(text))
