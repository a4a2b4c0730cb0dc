# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A health check of a service: read from module options, validated, and as reported. No I/O."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import typing as t

from .validation import ServiceError, refuse_control, seconds_of

# Consul's default.
_DEFAULT_TIMEOUT = "10s"

# Options of a check and their names in Consul's API. The first eight are the kinds of checks.
_CHECK_KEYS = {
    "http": "HTTP",
    "tcp": "TCP",
    "udp": "UDP",
    "grpc": "GRPC",
    "ttl": "TTL",
    "docker_container_id": "DockerContainerID",
    "alias_service": "AliasService",
    "alias_node": "AliasNode",
    "notes": "Notes",
    "method": "Method",
    "headers": "Header",
    "body": "Body",
    "tls_server_name": "TLSServerName",
    "tls_skip_verify": "TLSSkipVerify",
    "grpc_use_tls": "GRPCUseTLS",
    "shell": "Shell",
    "args": "Args",
    "interval": "Interval",
    "timeout": "Timeout",
    "status": "Status",
    "success_before_passing": "SuccessBeforePassing",
    "failures_before_warning": "FailuresBeforeWarning",
    "failures_before_critical": "FailuresBeforeCritical",
    "deregister_critical_service_after": "DeregisterCriticalServiceAfter",
}
_KINDS = tuple(_CHECK_KEYS)[:8]
_PROBES = ("http", "tcp", "udp", "grpc", "docker_container_id")
# The kinds that an option is valid for; all others are valid for every kind.
_ONLY_FOR = {
    "method": ("http",),
    "headers": ("http",),
    "body": ("http",),
    "tls_server_name": ("http", "grpc"),
    "tls_skip_verify": ("http", "grpc"),
    "grpc_use_tls": ("grpc",),
    "shell": ("docker_container_id",),
    "args": ("docker_container_id",),
    **dict.fromkeys(("interval", "timeout"), _PROBES),
    **dict.fromkeys(
        ("success_before_passing", "failures_before_warning", "failures_before_critical"), _PROBES
    ),
}
# Minimums in seconds. Consul itself raises shorter ones silently.
_LEAST = {"interval": 1.0, "deregister_critical_service_after": 60.0}


@dataclasses.dataclass(frozen=True)
class Check:
    """A wanted check: its `definition` for Consul's API and the `digest` of that.

    `first_result_seconds` is the longest time until its first result, 0 for a check without probe.
    """

    id: str
    definition: t.Mapping[str, t.Any]
    digest: str
    first_result_seconds: float = 0.0

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any], service: str, number: int) -> Check:
        """Read the options of one check; ServiceError if they describe no check or several."""
        # False, 0 and an empty string count as unset.
        given = {key: value for key, value in params.items() if value}
        name = given.get("name") or f"Service '{service}' check"
        where = f"check {given.get('name') or number}"
        refuse_control(where, {key: given.get(key, "") for key in ("id", "name")})
        kind = _kind(where, given)
        _validate_options(where, kind, given)
        _validate_durations(where, kind, given)
        _validate_target(where, kind, given)
        _validate_thresholds(where, given)
        identifier = given.get("id") or f"service:{service}:{given.get('name') or number}"
        definition = {"CheckID": identifier, "Name": name}
        for key in _CHECK_KEYS:
            if key in given:
                definition[_CHECK_KEYS[key]] = given[key]
        if "headers" in given:
            definition["Header"] = _headers(where, given["headers"])
        if "method" in given:
            definition["Method"] = given["method"].upper()
        return cls(identifier, definition, _digest(definition), _first_result_seconds(kind, given))


@dataclasses.dataclass(frozen=True)
class CheckStatus:
    """A check as the agent reports it."""

    id: str
    name: str
    status: str
    output: str = ""

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any]) -> CheckStatus:
        """Read an entry of /v1/agent/checks."""
        return cls(entry["CheckID"], entry["Name"], entry["Status"], entry.get("Output") or "")


def failing(checks: t.Iterable[CheckStatus]) -> list[str]:
    """The checks that do not pass, one phrase each, with their last output."""
    return [
        f"{check.name or check.id} is {check.status}: "
        f"{' '.join(check.output.split())[:500] or 'no output yet'}"
        for check in checks
        if check.status != "passing"
    ]


def _digest(definition: t.Mapping[str, t.Any]) -> str:
    """The digest of a check definition."""
    text = json.dumps(definition, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _headers(where: str, headers: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    """Headers, each with a list of values."""
    lists = {
        key: [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]
        for key, value in headers.items()
    }
    for key, values in lists.items():
        refuse_control(where, {"a header": "".join([key, *values])})
    return lists


def _first_result_seconds(kind: str, given: t.Mapping[str, t.Any]) -> float:
    """Consul runs a check first at a random moment of its interval, then it may time out."""
    if kind not in _PROBES:
        return 0.0
    return (seconds_of(given["interval"]) or 0) + (
        seconds_of(given.get("timeout", _DEFAULT_TIMEOUT)) or 0
    )


def _kind(where: str, given: t.Mapping[str, t.Any]) -> str:
    """The kind of a check; ServiceError unless there is exactly one."""
    kinds = [kind for kind in _KINDS if kind in given]
    # An alias of a service may name the node that service is on.
    if len(kinds) != 1 and kinds != ["alias_service", "alias_node"]:
        raise ServiceError(
            f"{where} must have exactly one of {', '.join(_KINDS)}, but has "
            f"{' and '.join(kinds) or 'none'}"
        )
    return kinds[0]


def _validate_options(where: str, kind: str, given: t.Mapping[str, t.Any]) -> None:
    """ServiceError for an option that this kind of check lacks or does not support."""
    for key in given:
        if kind not in _ONLY_FOR.get(key, (kind,)):
            raise ServiceError(f"{where}: {key} is not valid for a {kind} check")
    if kind in _PROBES and "interval" not in given:
        raise ServiceError(f"{where}: a {kind} check needs an interval, such as 10s")
    if kind == "docker_container_id" and "args" not in given:
        raise ServiceError(f"{where}: a docker_container_id check needs args, the command to run")


def _validate_durations(where: str, kind: str, given: t.Mapping[str, t.Any]) -> None:
    """ServiceError for an invalid duration, or for one that is shorter than Consul's minimum."""
    for key in ("ttl", "interval", "timeout", "deregister_critical_service_after"):
        if key not in given:
            continue
        seconds = seconds_of(given[key])
        if seconds is None:
            raise ServiceError(
                f"{key} {given[key]!r} of {where} is not a duration such as 500ms, 10s or 1h30m"
            )
        if seconds < _LEAST.get(key, 0) or seconds == 0:
            least = f"{_LEAST[key]:.0f}s" if key in _LEAST else "more than 0s"
            raise ServiceError(
                f"{key} {given[key]} of {where} is too short: the minimum is {least}"
            )


def _validate_target(where: str, kind: str, given: t.Mapping[str, t.Any]) -> None:
    """ServiceError for an invalid URL, address or HTTP method."""
    target = given[kind]
    refuse_control(where, {kind: target})
    if kind == "http" and not re.fullmatch(r"https?://[^/\s]\S*", target):
        raise ServiceError(f"http {target!r} of {where} is not a URL such as http://host:80/health")
    if kind in ("tcp", "udp", "grpc"):
        host, _colon, port = target.partition("/")[0].rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise ServiceError(f"{kind} {target!r} of {where} is not host:port")
    if not re.fullmatch(r"[A-Za-z]+", given.get("method", "GET")):
        raise ServiceError(f"method {given['method']!r} of {where} is not an HTTP method")


def _validate_thresholds(where: str, given: t.Mapping[str, t.Any]) -> None:
    """ServiceError for thresholds that are negative or contradict each other."""
    warning = given.get("failures_before_warning", 0)
    critical = given.get("failures_before_critical", 0)
    if min(warning, critical, given.get("success_before_passing", 0)) < 0:
        raise ServiceError(f"{where}: thresholds must not be negative")
    if warning > critical:
        raise ServiceError(
            f"{where}: failures_before_warning ({warning}) must not exceed "
            f"failures_before_critical ({critical})"
        )
