# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A service with all its checks as one value, and the plan from actual to wanted. No I/O."""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import json
import re
import typing as t
import unicodedata

from .._plan import Diff

# The agent does not give check definitions back: their digests in the metadata tell whether they
# still are the wanted ones, one by one as far as Consul's 512 bytes reach.
CHECKS_META = "rollcall-checks"
OWNER_META = "rollcall-owner"
MAINTENANCE = "_service_maintenance:"
SERF = "serfHealth"

_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_META_PAIRS = 64
_META_VALUE_BYTES = 512
_DNS_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DURATION = re.compile(r"(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
# A check without a timeout of its own has Consul's.
_DEFAULT_TIMEOUT = "10s"

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
# Which kinds an option means something for; the others take any.
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
# The least that makes sense, in seconds. Consul itself raises shorter ones without a word.
_LEAST = {"interval": 1.0, "deregister_critical_service_after": 60.0}
_DERIVED = ("lan_ipv4", "wan_ipv4", "lan_ipv6", "wan_ipv6")


class ServiceError(Exception):
    """A service that Consul, or those who read it, could not bear: nothing was sent."""


@dataclasses.dataclass(frozen=True)
class Check:
    """A wanted check: `definition` in Consul's words, `digest` a name for exactly that.

    `patience` is how many seconds its first result takes at most, 0 where nothing is probed.
    """

    id: str
    definition: t.Mapping[str, t.Any]
    digest: str
    patience: float = 0.0

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any], service: str, number: int) -> Check:
        """Read one check's options; ServiceError where they are no check, or several."""
        # False, 0 and an empty text mean what an absent option means.
        given = {key: value for key, value in params.items() if value}
        name = given.get("name") or f"Service '{service}' check"
        where = f"check {given.get('name') or number}"
        _refuse_control(where, {key: given.get(key, "") for key in ("id", "name")})
        kind = _kind(where, given)
        _refuse_misplaced(where, kind, given)
        _refuse_durations(where, kind, given)
        _refuse_target(where, kind, given)
        _refuse_thresholds(where, given)
        identifier = given.get("id") or f"service:{service}:{given.get('name') or number}"
        definition = {"CheckID": identifier, "Name": name}
        for key in _CHECK_KEYS:
            if key in given:
                definition[_CHECK_KEYS[key]] = given[key]
        if "headers" in given:
            definition["Header"] = _headers(where, given["headers"])
        if "method" in given:
            definition["Method"] = given["method"].upper()
        return cls(identifier, definition, _digest(definition), _patience(kind, given))


@dataclasses.dataclass(frozen=True)
class Seen:
    """A check as the agent has it."""

    id: str
    name: str
    status: str
    output: str = ""

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any]) -> Seen:
        """Read an entry of /v1/agent/checks."""
        return cls(entry["CheckID"], entry["Name"], entry["Status"], entry.get("Output") or "")


@dataclasses.dataclass(frozen=True)
class Service:
    """A wanted or an actual service. The definitions are in a wanted one only, and not compared:
    the identifiers of its checks and their digests are."""

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
    owner: str = ""
    check_ids: tuple[str, ...] = ()
    digest: str = ""
    checks: tuple[Check, ...] = dataclasses.field(default=(), compare=False)

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Service:
        """Read a module's options; ServiceError names what cannot be meant."""
        identifier = params.get("id") or params["name"]
        weights = params.get("weights") or {}
        address, port = params.get("address") or "", params.get("port") or 0
        checks = tuple(
            Check.from_params(check, identifier, number)
            for number, check in enumerate(params.get("checks") or (), 1)
        )
        service = cls(
            id=identifier,
            name=params["name"],
            address=address,
            port=port,
            tags=tuple(params.get("tags") or ()),
            meta={key: _text(key, value) for key, value in (params.get("meta") or {}).items()},
            tagged_addresses=_without_derived(
                address, port, _tagged(params.get("tagged_addresses") or {}, port)
            ),
            weights=(
                weights.get("passing", 1) if weights.get("passing") is not None else 1,
                weights.get("warning", 1) if weights.get("warning") is not None else 1,
            ),
            enable_tag_override=bool(params.get("enable_tag_override")),
            owner=params.get("owner") or "",
            check_ids=tuple(sorted(check.id for check in checks)),
            digest=_digests(checks),
            checks=checks,
        )
        _refuse(service)
        return service

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any], check_ids: t.Iterable[str] = ()) -> Service:
        """Read an answer of /v1/agent/service/<id>, with the identifiers of its checks."""
        meta = dict(entry.get("Meta") or {})
        weights = entry.get("Weights") or {}
        digest, owner = meta.pop(CHECKS_META, ""), meta.pop(OWNER_META, "")
        address, port = entry.get("Address") or "", entry.get("Port") or 0
        tagged = {
            key: {"address": value["Address"], "port": value["Port"]}
            for key, value in (entry.get("TaggedAddresses") or {}).items()
        }
        return cls(
            id=entry["ID"],
            name=entry["Service"],
            address=address,
            port=port,
            tags=tuple(entry.get("Tags") or ()),
            meta=meta,
            tagged_addresses=_without_derived(address, port, tagged),
            weights=(weights.get("Passing", 1), weights.get("Warning", 1)),
            enable_tag_override=bool(entry.get("EnableTagOverride")),
            owner=owner,
            check_ids=tuple(sorted(check_ids)),
            digest=digest,
        )

    def payload(self, *, maintenance: bool = False, reason: str = "") -> dict[str, t.Any]:
        """The body of /v1/agent/service/register.

        Replacing the checks ends a maintenance, as that is one of them: it goes along in the same
        request, so that the service is not in rotation for a moment.
        """
        meta = dict(self.meta)
        if self.owner:
            meta[OWNER_META] = self.owner
        if self.digest:
            meta[CHECKS_META] = self.digest
        checks = [dict(check.definition) for check in self.checks]
        if maintenance:
            checks.append(
                {
                    "CheckID": MAINTENANCE + self.id,
                    "Name": "Service Maintenance Mode",
                    "Notes": reason,
                    "Status": "critical",
                    # Nobody reports to it, and when that is noticed it stays critical.
                    "TTL": "87600h",
                }
            )
        return {
            "ID": self.id,
            "Name": self.name,
            "Address": self.address,
            "Port": self.port,
            "Tags": list(self.tags),
            "Meta": meta,
            "TaggedAddresses": {
                key: {"Address": value["address"], "Port": value["port"]}
                for key, value in self.tagged_addresses.items()
            },
            "Weights": {"Passing": self.weights[0], "Warning": self.weights[1]},
            "EnableTagOverride": self.enable_tag_override,
            "Checks": checks,
        }

    def shown(self) -> dict[str, t.Any]:
        """What a diff and a result show: plain values, the checks by identifier and digest.

        Definitions stay out of it: their headers and bodies may be secret.
        """
        return {
            "id": self.id,
            "name": self.name,
            "address": self.address,
            "port": self.port,
            "tags": list(self.tags),
            "meta": dict(self.meta),
            "tagged_addresses": {
                key: dict(value) for key, value in sorted(self.tagged_addresses.items())
            },
            "weights": {"passing": self.weights[0], "warning": self.weights[1]},
            "enable_tag_override": self.enable_tag_override,
            "owner": self.owner,
            "check_ids": list(self.check_ids),
            "checks_digest": self.digest,
        }

    def warnings(self) -> list[str]:
        """What Consul takes but cannot answer for by DNS."""
        if _DNS_LABEL.fullmatch(self.name):
            return []
        return [
            f"service name {self.name!r} is no DNS label (up to 63 letters, digits and '-'): "
            "Consul's DNS cannot answer for it"
        ]


@dataclasses.dataclass(frozen=True)
class Node:
    """The agent that is spoken to."""

    name: str = ""
    address: str = ""
    datacenter: str = ""


@dataclasses.dataclass(frozen=True)
class Instance:
    """A service as the catalog has it; `alive` tells whether its node's agent is."""

    node: str
    node_address: str
    datacenter: str
    id: str
    name: str
    address: str
    port: int
    alive: bool

    @classmethod
    def from_api(cls, entry: t.Mapping[str, t.Any]) -> Instance:
        """Read an entry of /v1/health/service/<name>."""
        node, service = entry["Node"], entry["Service"]
        gossip = [check for check in entry.get("Checks") or () if check["CheckID"] == SERF]
        return cls(
            node=node["Node"],
            node_address=node["Address"],
            datacenter=node.get("Datacenter") or "",
            id=service["ID"],
            name=service["Service"],
            address=service.get("Address") or node["Address"],
            port=service.get("Port") or 0,
            # A node without the check has no agent: it was put into the catalog by hand.
            alive=bool(gossip) and all(check["Status"] == "passing" for check in gossip),
        )

    def shown(self) -> dict[str, t.Any]:
        """What a diff shows."""
        return {"node": self.node, "id": self.id, "address": self.address, "port": self.port}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """All that one call asks for. Without a service, `maintenance` takes the one that is there."""

    id: str
    state: str = "present"
    service: Service | None = None
    reason: str = ""
    owner: str = ""
    purge: bool = False
    declared: tuple[str, ...] = ()
    deduplicate: str = "none"
    # Only an identifier that was given is meant to be the instance's in the whole datacenter: a
    # default one, the service's name, stands rightly at every agent.
    by_id: bool = False

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Wanted:
        """Read a module's options; ServiceError names what cannot be meant."""
        identifier = params.get("id") or params.get("name") or ""
        if not identifier:
            raise ServiceError("name the service: 'name', or 'id' for one that is there already")
        state = params.get("state") or "present"
        if state == "present" and not params.get("name"):
            raise ServiceError(f"service {identifier} needs a name")
        _refuse_path("id", identifier)
        if params.get("purge") and (not params.get("owner") or params.get("declared") is None):
            raise ServiceError(
                "purge needs 'owner' and 'declared': all identifiers of that owner that stay"
            )
        registered = state != "absent" and params.get("name")
        return cls(
            id=identifier,
            state=state,
            service=Service.from_params(params) if registered else None,
            reason=params.get("maintenance_reason") or "",
            owner=params.get("owner") or "",
            purge=bool(params.get("purge")),
            declared=tuple(params.get("declared") or ()),
            deduplicate="none" if state == "absent" else params.get("deduplicate") or "none",
            by_id=bool(params.get("id")),
        )


@dataclasses.dataclass(frozen=True)
class Actual:
    """What the agent has; `owners` of all its services and `instances` only where looked for."""

    service: Service | None = None
    checks: tuple[Seen, ...] = ()
    owners: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    node: Node = Node()
    instances: tuple[Instance, ...] = ()

    @property
    def maintenance(self) -> bool:
        """Whether the service is maintained."""
        return any(check.id.startswith(MAINTENANCE) for check in self.checks)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The requests that lead from the actual to the wanted.

    `register` replaces all checks, and enters or leaves maintenance on the way (`maintained`);
    `maintenance` does that to a service which is otherwise right. `found` are all duplicates,
    `duplicates` those to remove. `unproven` are checks that keep the status of another definition,
    with the seconds after which it is theirs.
    """

    diff: Diff
    register: Service | None = None
    maintained: bool = False
    deregister: str | None = None
    maintenance: bool | None = None
    reason: str = ""
    purge: tuple[str, ...] = ()
    found: tuple[Instance, ...] = ()
    duplicates: tuple[Instance, ...] = ()
    unproven: t.Mapping[str, float] = dataclasses.field(default_factory=dict)
    update: bool = False
    problem: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return (
            self.register is None
            and self.deregister is None
            and self.maintenance is None
            and not self.purge
            and not self.duplicates
        )

    @property
    def action(self) -> str:
        """The plan in a word: the first that holds."""
        if self.deregister is not None:
            return "deregistered"
        if self.register is not None:
            return "updated" if self.update else "registered"
        if self.maintenance is not None:
            return "maintenance entered" if self.maintenance else "maintenance left"
        if self.duplicates:
            return "deduplicated"
        return "purged" if self.purge else "unchanged"


def plan_service(wanted: Wanted, actual: Actual) -> Plan:
    """What to send, and what to show of it, from the same comparison."""
    plan = _plan_itself(wanted, actual)
    purge = _orphans(wanted, actual)
    found = duplicates_of(wanted, actual)
    duplicates = found if wanted.deduplicate == "remove" else ()
    before, after = dict(plan.diff.before), dict(plan.diff.after)
    if purge:
        before["purged"], after["purged"] = list(purge), []
    if duplicates:
        before["duplicates"], after["duplicates"] = [each.shown() for each in duplicates], []
    return dataclasses.replace(
        plan, diff=Diff(before, after), purge=purge, found=found, duplicates=duplicates
    )


def duplicates_of(wanted: Wanted, actual: Actual) -> tuple[Instance, ...]:
    """The same instance at other agents: the same identifier, or the same address and port.

    A loopback address is another one on each host, and port 0 is none: neither makes a duplicate.
    """
    service = wanted.service or actual.service
    if wanted.deduplicate == "none" or service is None:
        return ()
    address = service.address or actual.node.address
    comparable = bool(address) and service.port > 0 and not _loopback(address)
    found = [
        each
        for each in actual.instances
        if (each.node, each.datacenter) != (actual.node.name, actual.node.datacenter)
        and each.name == service.name
        and (
            (wanted.by_id and each.id == service.id)
            or (comparable and (each.address, each.port) == (address, service.port))
        )
    ]
    return tuple(sorted(found, key=lambda each: (each.datacenter, each.node, each.id)))


def failing(checks: t.Iterable[Seen]) -> list[str]:
    """The checks that do not pass, a phrase each, with what they said last."""
    return [
        f"{check.name or check.id} is {check.status}: "
        f"{' '.join(check.output.split())[:500] or 'no output yet'}"
        for check in checks
        if check.status != "passing"
    ]


def seconds_of(duration: str) -> float | None:
    """A duration in Go's syntax as seconds, None for what is none."""
    if not _DURATION.fullmatch(duration):
        return None
    return sum(float(n) * _SECONDS[unit] for n, unit in _DURATION_PART.findall(duration))


def _plan_itself(wanted: Wanted, actual: Actual) -> Plan:
    """The part of the plan that is about the service itself."""
    seen = actual.service
    before = {**seen.shown(), "maintenance": actual.maintenance} if seen else {"state": "absent"}
    if wanted.state == "absent":
        return Plan(Diff(before, {"state": "absent"}), deregister=wanted.id if seen else None)
    maintained = wanted.state == "maintenance"
    switch = maintained if maintained != actual.maintenance else None
    if wanted.service is None:
        shown = seen.shown() if seen else {"id": wanted.id}
        return Plan(
            Diff(before, {**shown, "maintenance": True}),
            maintenance=switch,
            reason=wanted.reason,
            problem=""
            if seen
            else f"there is no service {wanted.id} at this agent to take into maintenance; "
            "give its name, and all that belongs to it, to register it so",
        )
    service = wanted.service
    if service.enable_tag_override and seen is not None and seen.enable_tag_override:
        # The catalog's tags are somebody else's to change: they stay as they are.
        service = dataclasses.replace(service, tags=seen.tags)
    diff = Diff(before, {**service.shown(), "maintenance": maintained})
    if seen == service:
        return Plan(diff, maintenance=switch, reason=wanted.reason)
    return Plan(
        diff,
        register=service,
        maintained=maintained,
        reason=wanted.reason,
        unproven=_unproven(service, seen),
        update=seen is not None,
    )


def _orphans(wanted: Wanted, actual: Actual) -> tuple[str, ...]:
    """What this owner has at the agent and no longer declares."""
    if not wanted.purge:
        return ()
    kept = {*wanted.declared, wanted.id}
    return tuple(
        sorted(
            identifier
            for identifier, owner in actual.owners.items()
            if owner == wanted.owner and identifier not in kept
        )
    )


def _unproven(service: Service, seen: Service | None) -> dict[str, float]:
    """Checks whose definition changes under their identifier: Consul keeps the old one's status."""
    if seen is None or seen.digest == service.digest:
        return {}
    same = set(seen.digest.split("."))
    return {
        check.id: check.patience
        for check in service.checks
        if check.id in seen.check_ids and check.digest not in same and check.patience
    }


def _digest(definition: t.Mapping[str, t.Any]) -> str:
    """A name for exactly this definition."""
    text = json.dumps(definition, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digests(checks: t.Sequence[Check]) -> str:
    """The names of all definitions, in no order of meaning; one name where they are too many."""
    text = ".".join(sorted(check.digest for check in checks))
    if len(text) <= _META_VALUE_BYTES:
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _tagged(addresses: t.Mapping[str, t.Any], port: int) -> dict[str, dict[str, t.Any]]:
    """Tagged addresses as given, each with its port, the service's by default."""
    tagged = {}
    for key, value in addresses.items():
        if (
            not isinstance(value, t.Mapping)
            or not value.get("address")
            or not set(value) <= {"address", "port"}
        ):
            raise ServiceError(
                f"tagged address {key!r} is not an 'address' and, if it differs, a 'port'"
            )
        try:
            own = int(port if value.get("port") is None else value["port"])
        except (TypeError, ValueError):
            raise ServiceError(f"port of tagged address {key!r} is not a number") from None
        tagged[key] = {"address": str(value["address"]), "port": own}
    return tagged


def _without_derived(
    address: str, port: int, tagged: t.Mapping[str, t.Mapping[str, t.Any]]
) -> dict[str, t.Mapping[str, t.Any]]:
    """The tagged addresses without those that the agent makes of the address by itself."""
    derived = {"address": address, "port": port}
    return {key: value for key, value in tagged.items() if key not in _DERIVED or value != derived}


def _loopback(address: str) -> bool:
    """Whether an address is another one on each host."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _text(key: str, value: t.Any) -> str:
    """A metadata value as Consul's text; YAML's yes is true, not True."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ServiceError(f"meta {key!r} is not a text or a number")


def _headers(where: str, headers: t.Mapping[str, t.Any]) -> dict[str, list[str]]:
    """Headers, a list of values each."""
    lists = {
        key: [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]
        for key, value in headers.items()
    }
    for key, values in lists.items():
        _refuse_control(where, {"a header": "".join([key, *values])})
    return lists


def _kind(where: str, given: t.Mapping[str, t.Any]) -> str:
    """What a check probes; ServiceError unless it is one thing."""
    kinds = [kind for kind in _KINDS if kind in given]
    # An alias of a service may name the node that service is on.
    if len(kinds) != 1 and kinds != ["alias_service", "alias_node"]:
        raise ServiceError(
            f"{where} has exactly one of {', '.join(_KINDS)}; this one has "
            f"{' and '.join(kinds) or 'none'}"
        )
    return kinds[0]


def _refuse_misplaced(where: str, kind: str, given: t.Mapping[str, t.Any]) -> None:
    """ServiceError for what this kind of check lacks or cannot use."""
    for key in given:
        if kind not in _ONLY_FOR.get(key, (kind,)):
            raise ServiceError(f"{where} is a {kind} check: {key} means nothing there")
    if kind in _PROBES and "interval" not in given:
        raise ServiceError(f"{where} is a {kind} check: it needs an interval, such as 10s")
    if kind == "docker_container_id" and "args" not in given:
        raise ServiceError(f"{where} needs args: the command to run in the container")


def _refuse_durations(where: str, kind: str, given: t.Mapping[str, t.Any]) -> None:
    """ServiceError for a duration that is none, or shorter than Consul takes."""
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
            raise ServiceError(f"{key} {given[key]} of {where} is too short: at least {least}")


def _refuse_target(where: str, kind: str, given: t.Mapping[str, t.Any]) -> None:
    """ServiceError for a target that cannot be reached as written."""
    target = given[kind]
    _refuse_control(where, {kind: target})
    if kind == "http" and not re.fullmatch(r"https?://[^/\s]\S*", target):
        raise ServiceError(f"http {target!r} of {where} is not a URL such as http://host:80/health")
    if kind in ("tcp", "udp", "grpc"):
        host, _, port = target.partition("/")[0].rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            raise ServiceError(f"{kind} {target!r} of {where} is not host:port")
    if not re.fullmatch(r"[A-Za-z]+", given.get("method", "GET")):
        raise ServiceError(f"method {given['method']!r} of {where} is not an HTTP method")


def _refuse_thresholds(where: str, given: t.Mapping[str, t.Any]) -> None:
    """ServiceError for numbers of results that cannot be counted to."""
    warning = given.get("failures_before_warning", 0)
    critical = given.get("failures_before_critical", 0)
    if min(warning, critical, given.get("success_before_passing", 0)) < 0:
        raise ServiceError(f"{where} counts to a number below 0")
    if warning > critical:
        raise ServiceError(
            f"{where} warns after {warning} failures, but is critical after {critical} already"
        )


def _patience(kind: str, given: t.Mapping[str, t.Any]) -> float:
    """Consul runs a check first at a random moment of its interval, then it may time out."""
    if kind not in _PROBES:
        return 0.0
    return (seconds_of(given["interval"]) or 0) + (
        seconds_of(given.get("timeout", _DEFAULT_TIMEOUT)) or 0
    )


def _refuse_control(where: str, texts: t.Mapping[str, str]) -> None:
    """ServiceError for line breaks and other characters that nobody sees."""
    for what, text in texts.items():
        if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
            raise ServiceError(f"{what} of {where} has a control character: {text[:60]!r}")


def _refuse_path(what: str, text: str) -> None:
    """ServiceError for a text that the agent's HTTP server would rewrite as part of a path."""
    if any(part in ("", ".", "..") for part in text.split("/")):
        raise ServiceError(f"{what} {text!r} has an empty part or dots between its slashes")


def _refuse(service: Service) -> None:
    """ServiceError for what Consul refuses late, or takes and others choke on."""
    where = f"service {service.name!r}"
    texts = {"name": service.name, "id": service.id, "owner": service.owner}
    texts.update({f"tag {number}": tag for number, tag in enumerate(service.tags, 1)})
    texts.update({f"meta {key!r}": value for key, value in service.meta.items()})
    _refuse_control(where, texts)
    _refuse_path("name", service.name)
    places = {"": {"address": service.address, "port": service.port}, **service.tagged_addresses}
    for key, place in places.items():
        _refuse_place(f"tagged address {key!r} of {where}" if key else where, place)
    passing, warning = service.weights
    if not 1 <= passing <= 65535 or not 0 <= warning <= 65535:
        raise ServiceError(f"weights of {where}: passing is 1 to 65535, warning 0 to 65535")
    repeated = {each for each in service.check_ids if service.check_ids.count(each) > 1}
    if repeated:
        raise ServiceError(
            f"{where} has more than one check {min(repeated)}: give each a name or id of its own"
        )
    if any(check.startswith(MAINTENANCE) for check in service.check_ids):
        raise ServiceError(f"a check of {where} has the identifier of a maintenance")
    _refuse_meta(where, service)


def _refuse_place(where: str, place: t.Mapping[str, t.Any]) -> None:
    """ServiceError for an address with more than an address in it, or a port that is none."""
    address = place["address"]
    _refuse_control(where, {"address": address})
    if re.search(r"[\s/]", address) or re.fullmatch(r"[^:]+:\d+|\[.*", address):
        raise ServiceError(
            f"address {address!r} of {where} is not an IP address or host name alone"
        )
    if address in ("0.0.0.0", "::"):
        raise ServiceError(f"address {address} of {where} is where it listens, not where it is")
    if not 0 <= place["port"] <= 65535:
        raise ServiceError(f"port {place['port']} of {where} is not 0 to 65535")


def _refuse_meta(where: str, service: Service) -> None:
    """ServiceError for metadata beyond Consul's limits, or in the place of ours."""
    pairs = len(service.meta) + bool(service.owner) + bool(service.digest)
    if pairs > _META_PAIRS:
        raise ServiceError(
            f"{where} has {pairs} meta pairs, those of this module included: {_META_PAIRS} at most"
        )
    if len(service.owner.encode()) > _META_VALUE_BYTES:
        raise ServiceError(f"owner of {where} has more than {_META_VALUE_BYTES} bytes")
    for key, value in service.meta.items():
        if key in (CHECKS_META, OWNER_META):
            raise ServiceError(f"meta {key} of {where} is written by this module")
        if key.startswith("consul-"):
            raise ServiceError(f"meta {key!r} of {where}: 'consul-' is Consul's own prefix")
        if not _META_KEY.fullmatch(key) or len(value.encode()) > _META_VALUE_BYTES:
            raise ServiceError(
                f"meta {key[:40]!r} of {where}: keys have 1 to 128 letters, digits, '_' and '-', "
                f"values up to {_META_VALUE_BYTES} bytes"
            )
