# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Where everything of a picture lies. Hosts stand below each other, so that a narrow screen and a
wide one show the same picture in a size that can be read. All numbers are user units. No I/O.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .markup import fitted
from .system import BALANCER, CONSUL, REGISTRATOR, SERVICE, Container, Host, Registration, System
from .table import agent_summary

WIDTH = 600.0
LEFT, RIGHT = 56.0, 544.0
_PAD, _GAP = 16.0, 12.0
INNER = (LEFT + _PAD, RIGHT - 2 * _PAD)
_WIDE = INNER[1] - INNER[0]
_CHIP = 46.0
_GROUP_PAD = 10.0
NAME_SIZE, SOFT_SIZE = 15.0, 13.0
# From the best to the worst.
_STATUSES = ("passing", "warning", "critical")


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """The y of its middle."""
        return self.y + self.height / 2


@dataclasses.dataclass(frozen=True)
class Chip:
    """One box with a name, a line below it, a mark, and what it tells when hovered over."""

    box: Box
    kind: str
    name: str
    line: str
    tooltip: str
    mark: str = ""
    ill: bool = False
    leads: bool = False


@dataclasses.dataclass(frozen=True)
class Group:
    """The containers of one service on one host; `fed` where a balancer sends requests there."""

    box: Box
    label: str
    chips: tuple[Chip, ...]
    fed: bool = False


@dataclasses.dataclass(frozen=True)
class Place:
    """One host, and where its parts are."""

    box: Box
    host: Host
    balancers: tuple[Chip, ...] = ()
    groups: tuple[Group, ...] = ()
    registrators: tuple[Chip, ...] = ()
    agents: tuple[Chip, ...] = ()


def lay_out(system: System, top: float) -> tuple[Place, ...]:
    """Each host's place, the first one's at `top`."""
    places: list[Place] = []
    for host in system.hosts:
        places.append(_place(system, host, places[-1].box.bottom + 18 if places else top))
    return tuple(places)


def _place(system: System, host: Host, top: float) -> Place:
    """One host, from its heading down to its Registrator and its agent."""
    y = top + (56 if host.problem else 40)
    balancers = []
    for container in host.of(BALANCER):
        balancers.append(_balancer(system, host, container, Box(INNER[0], y, _WIDE, _CHIP)))
        y += _CHIP + _GAP
    groups = []
    for label, pairs in _services(system, host).items():
        groups.append(_group(system, host, label, pairs, y))
        y = groups[-1].box.bottom + _GAP
    lower = y + 8 if groups else y
    left = _column(0, lower, len(host.of(REGISTRATOR)))
    right = _column(1, lower, len(host.of(CONSUL)))
    registrators = tuple(
        _registrator(system, host, each, box)
        for each, box in zip(host.of(REGISTRATOR), left, strict=True)
    )
    agents = tuple(
        _agent(system, host, each, box) for each, box in zip(host.of(CONSUL), right, strict=True)
    )
    bottom = max([y, *(box.bottom + _GAP for box in (*left, *right))]) + 4
    return Place(
        box=Box(LEFT, top, RIGHT - LEFT, bottom - top),
        host=host,
        balancers=tuple(balancers),
        groups=tuple(groups),
        registrators=registrators,
        agents=agents,
    )


def _column(number: int, top: float, count: int, inset: float = 0.0) -> list[Box]:
    """Boxes below each other in the left column (0) or the right one (1)."""
    width = (_WIDE - 2 * inset - 24) / 2
    x = INNER[0] + inset + number * (width + 24)
    return [Box(x, top + row * (_CHIP + _GAP), width, _CHIP) for row in range(count)]


class Pair(t.NamedTuple):
    """A container with its registration, or one of the two alone."""

    container: Container | None
    instance: Registration | None


def _services(system: System, host: Host) -> dict[str, list[Pair]]:
    """What runs and what is registered on a host, by the service's name."""
    found: dict[str, list[Pair]] = {}
    for container in host.of(SERVICE):
        registrations = system.registrations(host, container)
        for each in registrations:
            found.setdefault(each.service, []).append(Pair(container, each))
        if not registrations:
            found.setdefault("not registered", []).append(Pair(container, None))
    for each in system.strays(host):
        found.setdefault(each.service, []).append(Pair(None, each))
    return found


def _group(system: System, host: Host, label: str, pairs: list[Pair], top: float) -> Group:
    """A frame around the containers of a service."""
    rows = (len(pairs) + 1) // 2
    columns = [_column(side, top + 28, rows, _GROUP_PAD) for side in (0, 1)]
    chips = tuple(
        _service(host, *pair, columns[number % 2][number // 2]) for number, pair in enumerate(pairs)
    )
    height = 28 + rows * (_CHIP + _GAP) - _GAP + _GROUP_PAD
    return Group(
        box=Box(INNER[0], top, _WIDE, height),
        label=fitted(label, _WIDE - 2 * _GROUP_PAD, NAME_SIZE),
        chips=chips,
        fed=any(each is not None and system.upstream(each) for _container, each in pairs),
    )


def _service(
    host: Host, container: Container | None, instance: Registration | None, box: Box
) -> Chip:
    """A container with its registration, or one of the two alone."""
    ports = f"port {container.ports[0][0]}" if container and container.ports else ""
    name = container.name if container else host.absent
    status = instance.status if instance else ""
    if container is not None and not container.well:
        status = container.health or container.status
    place = f"port {instance.port}" if instance else ports
    return Chip(
        box=box,
        kind=SERVICE,
        name=fitted(name, box.width - 36, NAME_SIZE),
        line=fitted(", ".join(filter(None, (place, status))), box.width - 20, SOFT_SIZE),
        tooltip=_tooltip(container, instance),
        mark=instance.status if instance else "none",
        ill=container is None or not container.well,
    )


def _tooltip(container: Container | None, instance: Registration | None) -> str:
    """The details of a container and its registration."""
    lines = []
    if container is not None:
        state = f"{container.status}, {container.health}" if container.health else container.status
        lines += [f"container {container.name}: {state}", container.image]
        lines += [f"port {outer} is {inner} inside" for outer, inner in container.ports]
    lines += _registration_lines(instance) if instance is not None else ["not registered"]
    return "\n".join(lines)


def _registration_lines(instance: Registration) -> list[str]:
    """The details of a registration."""
    tags = f" ({', '.join(instance.tags)})" if instance.tags else ""
    return [
        f"{instance.service}{tags} at {instance.place}: {instance.status}",
        f"{instance.id} at node {instance.node}",
    ]


def _balancer(system: System, host: Host, container: Container, box: Box) -> Chip:
    """A balancer, with how many instances it has to send requests to."""
    count = sum(map(system.upstream, system.instances))
    line = f"{count} healthy of {', '.join(system.followed) or 'no service'}"
    found = system.registrations(host, container)
    return _plain(container, box, line if container.well else container.status, found)


def _registrator(system: System, host: Host, container: Container, box: Box) -> Chip:
    """A Registrator."""
    found = system.registrations(host, container)
    return _plain(container, box, "registers" if container.well else container.status, found)


def _agent(system: System, host: Host, container: Container, box: Box) -> Chip:
    """A Consul agent as a container, with the cluster's word on it."""
    agent = system.agent(host)
    word = agent_summary(system, agent)
    chip = _plain(container, box, word if container.well else f"{container.status}, {word}")
    alive = agent is not None and agent.status == "alive"
    return dataclasses.replace(
        chip,
        tooltip=f"{chip.tooltip}\nnode {agent.node if agent else '?'}: {word}",
        ill=chip.ill or not alive,
        leads=alive and agent is not None and agent.node == system.leader,
    )


def _plain(container: Container, box: Box, line: str, found: tuple[Registration, ...] = ()) -> Chip:
    """A part of the stack itself; one that is registered has the mark of its worst registration."""
    lines = [f"container {container.name}: {container.status}", container.image]
    return Chip(
        box=box,
        kind=container.kind,
        name=fitted(container.name, box.width - (36 if found else 20), NAME_SIZE),
        line=fitted(line, box.width - 20, SOFT_SIZE),
        tooltip="\n".join(
            [*lines, *(text for each in found for text in _registration_lines(each))]
        ),
        mark=max((each.status for each in found), key=_STATUSES.index, default=""),
        ill=not container.well,
    )
