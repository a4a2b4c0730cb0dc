# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A service with all its checks as one value, with its validation and its payload. No I/O."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t

from .address import tagged_from_params, validate_endpoint, without_derived
from .check import Check
from .validation import ServiceError, refuse_control, refuse_path

# The agent does not return check definitions: their digests in the metadata show whether they are
# still the wanted ones, one by one as far as Consul's 512 bytes reach.
CHECKS_META = "rollcall-checks"
OWNER_META = "rollcall-owner"
MAINTENANCE = "_service_maintenance:"

_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_META_PAIRS = 64
_META_VALUE_BYTES = 512
_DNS_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclasses.dataclass(frozen=True)
class Service:
    """A wanted or an actual service.

    Only a wanted one has check definitions. They are not compared: the identifiers and digests are.
    """

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
        """Read the options of a module; ServiceError names an invalid one."""
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
            tagged_addresses=without_derived(
                address, port, tagged_from_params(params.get("tagged_addresses") or {}, port)
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
        _validate(service)
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
            tagged_addresses=without_derived(address, port, tagged),
            weights=(weights.get("Passing", 1), weights.get("Warning", 1)),
            enable_tag_override=bool(entry.get("EnableTagOverride")),
            owner=owner,
            check_ids=tuple(sorted(check_ids)),
            digest=digest,
        )

    def payload(self, *, maintenance: bool = False, reason: str = "") -> dict[str, t.Any]:
        """The body of /v1/agent/service/register.

        Replacing the checks ends the maintenance mode, which is one of them: the request contains
        it as well, so that the service is never in rotation in between.
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
                    # Nothing reports to it; when it expires it stays critical.
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
        """The service in a diff and a result, with the checks by identifier and digest.

        Definitions are left out: their headers and bodies may contain secrets.
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
        """A warning for a name that Consul DNS cannot resolve."""
        if _DNS_LABEL.fullmatch(self.name):
            return []
        return [
            f"service name {self.name!r} is not a DNS label (up to 63 letters, digits and '-'): "
            "Consul DNS cannot resolve it"
        ]


def _digests(checks: t.Sequence[Check]) -> str:
    """The digests of all definitions, sorted; one digest of them all if they are too long."""
    text = ".".join(sorted(check.digest for check in checks))
    if len(text) <= _META_VALUE_BYTES:
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(key: str, value: t.Any) -> str:
    """A metadata value as a string; a boolean is written as true or false."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ServiceError(f"meta {key!r} is not a string or a number")


def _validate(service: Service) -> None:
    """ServiceError for what Consul rejects late, or its readers cannot handle."""
    where = f"service {service.name!r}"
    texts = {"name": service.name, "id": service.id, "owner": service.owner}
    texts.update({f"tag {number}": tag for number, tag in enumerate(service.tags, 1)})
    texts.update({f"meta {key!r}": value for key, value in service.meta.items()})
    refuse_control(where, texts)
    refuse_path("name", service.name)
    endpoints = {"": {"address": service.address, "port": service.port}, **service.tagged_addresses}
    for key, endpoint in endpoints.items():
        validate_endpoint(f"tagged address {key!r} of {where}" if key else where, endpoint)
    passing, warning = service.weights
    if not 1 <= passing <= 65535 or not 0 <= warning <= 65535:
        raise ServiceError(f"weights of {where}: passing is 1 to 65535, warning 0 to 65535")
    repeated = {each for each in service.check_ids if service.check_ids.count(each) > 1}
    if repeated:
        raise ServiceError(
            f"{where} has more than one check {min(repeated)}: give each check its own name or id"
        )
    if any(check.startswith(MAINTENANCE) for check in service.check_ids):
        raise ServiceError(f"a check of {where} has the reserved identifier of a maintenance check")
    _validate_meta(where, service)


def _validate_meta(where: str, service: Service) -> None:
    """ServiceError for metadata beyond Consul's limits, or with a key of this module."""
    pairs = len(service.meta) + bool(service.owner) + bool(service.digest)
    if pairs > _META_PAIRS:
        raise ServiceError(
            f"{where} has {pairs} meta pairs, including those of this module: the maximum is "
            f"{_META_PAIRS}"
        )
    if len(service.owner.encode()) > _META_VALUE_BYTES:
        raise ServiceError(f"owner of {where} has more than {_META_VALUE_BYTES} bytes")
    for key, value in service.meta.items():
        if key in (CHECKS_META, OWNER_META):
            raise ServiceError(f"meta {key} of {where} is reserved for this module")
        if key.startswith("consul-"):
            raise ServiceError(
                f"meta {key!r} of {where}: the prefix 'consul-' is reserved by Consul"
            )
        if not _META_KEY.fullmatch(key) or len(value.encode()) > _META_VALUE_BYTES:
            raise ServiceError(
                f"meta {key[:40]!r} of {where}: keys have 1 to 128 letters, digits, '_' and '-', "
                f"values up to {_META_VALUE_BYTES} bytes"
            )
