# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A service with all its checks as one value, and the plan from actual to wanted. No I/O."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import typing as t

from .._plan import Diff
from .errors import ConsulError

# The agent does not give check definitions back: this digest in the metadata tells whether they
# still are the wanted ones.
CHECKS_META = "rollcall-checks"
_DURATION = re.compile(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")
_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_META_PAIRS = 64
_META_VALUE_BYTES = 512
# Options of a check, and what Consul's API calls them. The first eight are its kinds.
_CHECK_KEYS = {
    "http": "HTTP",
    "tcp": "TCP",
    "udp": "UDP",
    "grpc": "GRPC",
    "ttl": "TTL",
    "docker_container_id": "DockerContainerID",
    "alias_service": "AliasService",
    "alias_node": "AliasNode",
    "id": "CheckID",
    "name": "Name",
    "notes": "Notes",
    "method": "Method",
    "header": "Header",
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
_DURATIONS = ("ttl", "interval", "timeout", "deregister_critical_service_after")
_WITHOUT_INTERVAL = {"ttl", "alias_service", "alias_node"}


class ServiceError(ConsulError):
    """A service that Consul, or those who read it, could not bear: nothing was sent."""


@dataclasses.dataclass(frozen=True)
class Service:
    """A wanted or an actual service; `checks` holds Consul's own keys, `digest` names them."""

    id: str
    name: str
    address: str = ""
    port: int = 0
    tags: tuple[str, ...] = ()
    meta: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    tagged_addresses: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(
        default_factory=dict
    )
    weights: tuple[int, int] = (1, 1)
    enable_tag_override: bool = False
    checks: tuple[t.Mapping[str, t.Any], ...] = ()
    digest: str = ""

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Service:
        """Read a module's options; ServiceError names what cannot be meant."""
        checks = tuple(_check(check) for check in params["checks"])
        weights = params["weights"] or {}
        service = cls(
            id=params["id"] or params["name"],
            name=params["name"],
            address=params["address"] or "",
            port=params["port"] or 0,
            tags=tuple(params["tags"]),
            meta={key: str(value) for key, value in params["meta"].items()},
            tagged_addresses=_tagged(
                params["address"],
                params["port"],
                {
                    key: _tagged_address(key, value)
                    for key, value in params["tagged_addresses"].items()
                },
            ),
            weights=(_weight(weights.get("passing")), _weight(weights.get("warning"))),
            enable_tag_override=params["enable_tag_override"],
            checks=checks,
            digest=_digest(checks),
        )
        _refuse(service)
        return service

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any]) -> Service:
        """Read an answer of /v1/agent/service/<id>."""
        meta = dict(entry.get("Meta") or {})
        weights = entry.get("Weights") or {}
        digest = meta.pop(CHECKS_META, "")
        return cls(
            id=entry["ID"],
            name=entry["Service"],
            address=entry.get("Address", ""),
            port=entry.get("Port", 0),
            tags=tuple(entry.get("Tags") or ()),
            meta=meta,
            tagged_addresses=_tagged(
                entry.get("Address"),
                entry.get("Port"),
                {
                    key: {"address": value["Address"], "port": value["Port"]}
                    for key, value in (entry.get("TaggedAddresses") or {}).items()
                },
            ),
            weights=(weights.get("Passing", 1), weights.get("Warning", 1)),
            enable_tag_override=entry.get("EnableTagOverride", False),
            digest=digest,
        )

    def payload(self) -> dict[str, t.Any]:
        """The body of /v1/agent/service/register."""
        return {
            "ID": self.id,
            "Name": self.name,
            "Address": self.address,
            "Port": self.port,
            "Tags": list(self.tags),
            "Meta": {**self.meta, CHECKS_META: self.digest},
            "TaggedAddresses": {
                key: {"Address": value["address"], "Port": value["port"]}
                for key, value in self.tagged_addresses.items()
            },
            "Weights": {"Passing": self.weights[0], "Warning": self.weights[1]},
            "EnableTagOverride": self.enable_tag_override,
            "Checks": [dict(check) for check in self.checks],
        }

    def shown(self) -> dict[str, t.Any]:
        """What a diff and a result show: plain values, the checks by their digest."""
        content = dataclasses.asdict(self)
        del content["checks"]
        content["checks_digest"] = content.pop("digest")
        return {
            **content,
            "tags": list(self.tags),
            "meta": dict(self.meta),
            "weights": {"passing": self.weights[0], "warning": self.weights[1]},
        }


@dataclasses.dataclass(frozen=True)
class Actual:
    """What the agent has: the service, None where there is none, and whether it is maintained."""

    service: Service | None = None
    maintenance: bool = False


@dataclasses.dataclass(frozen=True)
class Plan:
    """The requests that lead from the actual to the wanted: at most one of each."""

    diff: Diff
    register: Service | None = None
    deregister: str | None = None
    maintenance: bool | None = None


def plan_present(wanted: Service, actual: Actual, *, maintenance: bool) -> Plan:
    """Register what differs, then enter or leave maintenance.

    With `enable_tag_override` the catalog's tags are somebody else's to change: they are left.
    """
    seen = actual.service
    if wanted.enable_tag_override and seen is not None:
        wanted = dataclasses.replace(wanted, tags=seen.tags)
    # Consul keeps maintenance as a check, and registering replaces all checks.
    differs = maintenance != actual.maintenance
    same = seen is not None and seen == dataclasses.replace(wanted, checks=())
    before = {**seen.shown(), "maintenance": actual.maintenance} if seen else {"state": "absent"}
    return Plan(
        diff=Diff(before, {**wanted.shown(), "maintenance": maintenance}),
        register=None if same else wanted,
        maintenance=maintenance if differs or (maintenance and not same) else None,
    )


def plan_absent(identifier: str, actual: Actual) -> Plan:
    """Deregister what is there."""
    if actual.service is None:
        return Plan(Diff({"state": "absent"}, {"state": "absent"}))
    before = {**actual.service.shown(), "maintenance": actual.maintenance}
    return Plan(Diff(before, {"state": "absent"}), deregister=identifier)


def failing(checks: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """The checks that do not pass, a phrase each, with what they said last."""
    return [
        f"{check['Name'] or check['CheckID']} is {check['Status']}: "
        f"{(check.get('Output') or 'no output yet').strip()}"
        for check in checks
        if check["Status"] != "passing"
    ]


def _weight(given: int | None) -> int:
    """A weight, 1 where none is given; 0 is one."""
    return 1 if given is None else given


def _tagged(
    address: str | None, port: int | None, tagged: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, t.Mapping[str, t.Any]]:
    """The tagged addresses without those that the agent derives from address and port by itself."""
    derived = {"lan_ipv4", "wan_ipv4", "lan_ipv6", "wan_ipv6"}
    own = {"address": address, "port": port or 0}
    return {key: value for key, value in tagged.items() if not (key in derived and value == own)}


def _tagged_address(name: str, value: t.Any) -> dict[str, t.Any]:
    """One tagged address; ServiceError where it is no address with a port."""
    port = value.get("port", 0) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not value.get("address") or not str(port or 0).isdecimal():
        raise ServiceError(
            f"tagged address {name!r} is not an address and a port such as "
            "{address: 203.0.113.1, port: 80}"
        )
    return {"address": str(value["address"]), "port": int(port or 0)}


def _check(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """One check in Consul's words; ServiceError where it is none or several."""
    given = {key: value for key, value in params.items() if value not in (None, [], {})}
    kinds = [kind for kind in _KINDS if kind in given]
    # An alias may name the node of its service.
    if len(kinds) != 1 and set(kinds) != {"alias_service", "alias_node"}:
        raise ServiceError(
            f"a check has exactly one of {', '.join(_KINDS)}; this one has "
            f"{', '.join(kinds) or 'none'}"
        )
    if not set(kinds) & _WITHOUT_INTERVAL and "interval" not in given:
        raise ServiceError(f"the {kinds[0]} check needs an interval, such as 10s")
    for key in _DURATIONS:
        if key in given and not _DURATION.fullmatch(given[key]):
            raise ServiceError(f"{key} {given[key]!r} is not a duration such as 500ms, 10s or 1m")
    return {_CHECK_KEYS[key]: value for key, value in given.items()}


def _digest(checks: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """A name for exactly these definitions, empty for none."""
    if not checks:
        return ""
    text = json.dumps([dict(check) for check in checks], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _refuse(service: Service) -> None:
    """ServiceError for what Consul refuses late, or takes and others choke on."""
    texts = {"name": service.name, "id": service.id, "address": service.address}
    texts.update({f"tag {number} ({tag[:40]!r})": tag for number, tag in enumerate(service.tags)})
    texts.update({f"meta {key!r}": value for key, value in service.meta.items()})
    for what, text in texts.items():
        if any(ord(character) < 32 or ord(character) == 127 for character in text):
            raise ServiceError(f"{what} of service {service.name!r} has a control character")
    if not service.name:
        raise ServiceError("a service needs a name")
    if not 0 <= service.port <= 65535:
        raise ServiceError(f"port {service.port} of service {service.name} is not 0 to 65535")
    if CHECKS_META in service.meta:
        raise ServiceError(f"meta {CHECKS_META!r} is this module's own: choose another key")
    if len(service.meta) >= _META_PAIRS:
        raise ServiceError(f"service {service.name} has more than {_META_PAIRS - 1} meta pairs")
    for key, value in service.meta.items():
        if not _META_KEY.fullmatch(key) or len(value.encode()) > _META_VALUE_BYTES:
            raise ServiceError(
                f"meta {key[:40]!r} of service {service.name}: keys have up to 128 letters, "
                f"digits, '_' and '-', values up to {_META_VALUE_BYTES} bytes"
            )
