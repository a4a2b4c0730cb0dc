# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""The nodes of a catalog with their service instances. No I/O."""

from __future__ import annotations

import dataclasses
import typing as t

_STATUSES = ("passing", "warning", "critical")
Texts = t.Mapping[str, str]


class InventoryError(Exception):
    """An invalid option."""


@dataclasses.dataclass(frozen=True)
class ServiceInstance:
    """One service at one node; `status` is the worst of its checks and its node's."""

    id: str
    name: str
    address: str
    port: int
    tags: tuple[str, ...]
    meta: Texts
    tagged_addresses: Texts
    status: str

    def shown(self) -> dict[str, t.Any]:
        """The instance as host variables have it."""
        values = dataclasses.asdict(self)
        del values["tagged_addresses"]
        return {**values, "tags": list(self.tags)}


@dataclasses.dataclass(frozen=True)
class CatalogNode:
    """One node with its instances; `status` is the worst of the node's own checks."""

    name: str
    id: str
    address: str
    datacenter: str
    meta: Texts
    tagged_addresses: Texts
    role: str
    status: str
    instances: tuple[ServiceInstance, ...] = ()

    def plain(self) -> dict[str, t.Any]:
        """The node as a cache keeps it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_plain(cls, plain: t.Mapping[str, t.Any]) -> CatalogNode:
        """The node that a cache kept."""
        instances = (ServiceInstance(**{**e, "tags": tuple(e["tags"])}) for e in plain["instances"])
        return cls(**{**plain, "instances": tuple(instances)})


def worst(statuses: t.Iterable[str]) -> str:
    """The worst status, passing where there is none, as Consul does."""
    ranks = [_STATUSES.index(each) if each in _STATUSES else 2 for each in statuses]
    return _STATUSES[max(ranks, default=0)]
