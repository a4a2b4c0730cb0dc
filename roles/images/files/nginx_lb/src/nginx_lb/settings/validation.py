"""Validates every value before it is written into nginx's configuration. Pure.

Each function returns the value in nginx's notation, or raises InvalidValue with a message.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# No dot: consul-template would parse the part before it as a tag.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_HOST_LENGTH = 253
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_PATH_LENGTH = 512
_DURATION = re.compile(r"[0-9]{1,6}(?:ms|s|m|h)")
_SIZE = re.compile(r"[0-9]{1,9}[kKmMgG]?")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_COOKIE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=/-]{0,127}")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_HASH_KEYS = {"client_address": "$remote_addr", "uri": "$request_uri", "host": "$host"}
# An instance at one of these addresses would expose the balancer's own host or its link.
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"),
        *("::/128", "::1/128", "fe80::/10", "ff00::/8"),
    )
)


class InvalidValue(Exception):
    """A value that cannot be used; the message names it and the reason."""


def quoted(value: Any) -> str:
    """The beginning of an untrusted value, safe to print."""
    return ascii(value if isinstance(value, str) else repr(value))[:60]


def _matched(pattern: re.Pattern[str], value: Any, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidValue(f"{quoted(value)} is not {what}")
    return value


def name(value: Any) -> str:
    """A service's name in Consul."""
    return _matched(_NAME, value, "a service name: letters, digits, _ and -, at most 128")


def tag(value: Any) -> str:
    """A tag that selects instances."""
    return _matched(_TAG, value, "a tag: letters, digits and ._:=/-, at most 128")


def host(value: Any) -> str:
    """A host name in lower case, or `*.` and a domain for all host names below it."""
    lowered = value.lower() if isinstance(value, str) else value
    found = _matched(_HOST, lowered, "a host name")
    if len(found) > _HOST_LENGTH:
        raise InvalidValue(f"host name {quoted(found)} is longer than {_HOST_LENGTH} characters")
    return found


def path(value: Any) -> str:
    """A path such as /shop, without a trailing slash; / alone matches every path."""
    text = value if isinstance(value, str) else ""
    segments = [] if text == "/" else text[1:].removesuffix("/").split("/")
    clean = all(_SEGMENT.fullmatch(part) and part not in (".", "..") for part in segments)
    if not text.startswith("/") or len(text) > _PATH_LENGTH or not clean:
        raise InvalidValue(f"{quoted(value)} is not a path: a / and letters, digits, ._~-")
    return "/" + "/".join(segments)


def address(value: Any) -> Address:
    """An IP address literal; an IPv4-mapped IPv6 address becomes IPv4."""
    try:
        # A zone, as in fe80::1%eth0, may hold any character.
        if not isinstance(value, str) or "%" in value:
            raise ValueError
        found = ipaddress.ip_address(value)
    except ValueError:
        raise InvalidValue(f"{quoted(value)} is not an IP address") from None
    return getattr(found, "ipv4_mapped", None) or found


def network(value: Any) -> Network:
    """A network such as 10.0.0.0/8."""
    try:
        if not isinstance(value, str) or "%" in value:
            raise ValueError
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise InvalidValue(f"{quoted(value)} is not a network such as 10.0.0.0/8") from None


def reachable(value: Address, networks: tuple[Network, ...]) -> Address:
    """An address in `networks`; without any, all but loopback, link-local and multicast."""
    allowed = (
        any(value in each for each in networks)
        if networks
        else not any(value in each for each in _NEVER)
    )
    if not allowed:
        raise InvalidValue(f"address {value} is outside the allowed networks")
    return value


def integer(value: Any, least: int, most: int, what: str) -> int:
    """A whole number from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidValue(f"{quoted(value)} is not {what} from {least} to {most}")
    return value


def port(value: Any) -> int:
    """A TCP port."""
    return integer(value, 1, 65535, "a port")


def weight(value: Any) -> int:
    """The weight of an instance."""
    return integer(value, 1, 65535, "a weight")


def number(value: Any, least: float, most: float, what: str) -> float:
    """A number from `least` to `most`."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidValue(f"{quoted(value)} is not {what} from {least:g} to {most:g}")
    return float(value)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidValue(f"{quoted(value)} is neither true nor false")
    return value


def duration(value: Any) -> str:
    """A duration in nginx's notation, such as 500ms."""
    return _matched(_DURATION, value, "a duration such as 500ms or 30s")


def seconds(value: str) -> float:
    """A duration in seconds."""
    unit = value.lstrip("0123456789")
    return int(value.removesuffix(unit)) * _UNIT_SECONDS[unit]


def size(value: Any) -> str:
    """A size in nginx's notation, such as 10m."""
    return _matched(_SIZE, value, "a size such as 10m")


def header(value: Any) -> str:
    """The name of a request header."""
    return _matched(_HEADER, value, "a header name")


def hash_key(value: Any) -> str:
    """The nginx variable whose value is hashed."""
    text = value if isinstance(value, str) else ""
    kind, _colon, rest = text.partition(":")
    if text in _HASH_KEYS:
        return _HASH_KEYS[text]
    if kind == "header" and _HEADER.fullmatch(rest):
        return "$http_" + rest.lower().replace("-", "_")
    if kind == "cookie" and _COOKIE.fullmatch(rest):
        return "$cookie_" + rest
    raise InvalidValue(
        f"{quoted(value)} is not a hash key: client_address, uri, host, header:NAME or cookie:NAME"
    )


def choice(value: Any, choices: tuple[str, ...]) -> str:
    """One of `choices`."""
    if value not in choices:
        raise InvalidValue(f"{quoted(value)} is not one of {', '.join(choices)}")
    return str(value)


def text(value: Any) -> str:
    """Text of the operator, used unchanged."""
    if not isinstance(value, str) or "\0" in value:
        raise InvalidValue(f"{quoted(value)} is not text")
    return value
