# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Which nodes and instances of the catalog are wanted. No I/O."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t

from .model import CatalogNode, InventoryError, ServiceInstance

_PATTERN = re.compile(r"[*?\[]")


@dataclasses.dataclass(frozen=True)
class Filters:
    """Which part of the catalog is wanted. Names may be shell patterns."""

    services: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    datacenters: tuple[str, ...] = ()
    passing_only: bool = False
    node_expression: str = ""
    service_expression: str = ""

    @classmethod
    def from_option(cls, option: t.Mapping[str, t.Any]) -> Filters:
        """Read the option; an unknown filter is an error, as it would select every host."""
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(map(str, set(option) - set(fields)))
        if unknown:
            raise InventoryError(f"'filters' has no {', '.join(unknown)}: use {', '.join(fields)}")
        return cls(**{key: _typed(key, value, fields[key]) for key, value in option.items()})

    def select(self, nodes: t.Iterable[CatalogNode]) -> tuple[CatalogNode, ...]:
        """The selected nodes; with a filter on instances, those with at least one such instance."""
        narrowed = bool(self.services or self.tags or self.service_expression)
        kept = (
            dataclasses.replace(node, instances=tuple(filter(self._keeps, node.instances)))
            for node in nodes
            if (not self.nodes or matching([node.name], self.nodes))
            and (not self.passing_only or node.status == "passing")
        )
        return tuple(node for node in kept if node.instances or not narrowed)

    def _keeps(self, instance: ServiceInstance) -> bool:
        return (
            (not self.services or bool(matching([instance.name], self.services)))
            and all(matching(instance.tags, [wanted]) for wanted in self.tags)
            and (not self.passing_only or instance.status == "passing")
        )


def matching(names: t.Iterable[str], patterns: t.Iterable[str]) -> list[str]:
    """The names that are among the patterns, in their order."""
    wanted = tuple(patterns)
    return [name for name in names if any(fnmatch.fnmatchcase(name, each) for each in wanted)]


def exact(patterns: t.Iterable[str]) -> bool:
    """Whether these are names rather than patterns, so that no list of all names is needed."""
    return not any(map(_PATTERN.search, patterns))


def _typed(key: str, value: t.Any, field: dataclasses.Field[t.Any]) -> t.Any:
    """The value of a filter in its type; a string counts as a list of one."""
    if field.default == ():
        values = [value] if isinstance(value, str) else value
        if isinstance(values, (list, tuple)) and all(isinstance(each, str) for each in values):
            return tuple(values)
        raise InventoryError(f"'filters.{key}' must be a list of strings, not {value!r}")
    kind = type(field.default)
    if not isinstance(value, kind):
        noun = "true or false" if kind is bool else "a string"
        raise InventoryError(f"'filters.{key}' must be {noun}, not {value!r}")
    return value
