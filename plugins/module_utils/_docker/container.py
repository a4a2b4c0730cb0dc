# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Wanted and actual containers as values, and the plan between them. No I/O."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from .._base.plan import Diff

OWNER_LABEL = "rollcall.owner"
SPEC_LABEL = "rollcall.spec"

_DEFAULTS: dict[str, t.Any] = {
    "command": [],
    "entrypoint": [],
    "env": {},
    "labels": {},
    "hostname": None,
    "network_mode": "bridge",
    "ports": [],
    "exposed_ports": [],
    "volumes": [],
    "tmpfs": [],
    "restart_policy": "unless-stopped",
    "user": None,
    "read_only": False,
    "cap_add": [],
    "cap_drop": [],
    "security_opt": [],
    "memory": None,
    "pids_limit": None,
    "stop_signal": None,
    "stop_timeout": None,
    "init": False,
    "healthcheck": None,
}


_NANOSECONDS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_DURATIONS = {"interval", "timeout", "start_period"}
_MEMORY = re.compile(r"\d+(\.\d+)?([bkmgBKMG][bB]?)?")


class ContainerError(ValueError):
    """An invalid container, or a conflict with one of another owner: says why and what to do."""


@dataclasses.dataclass(frozen=True)
class PortBinding:
    """One published port: container port and protocol, host port (None: random) and address."""

    container_port: int
    protocol: str
    host_port: int | None
    host_address: str


@dataclasses.dataclass(frozen=True)
class ContainerSpec:
    """A wanted container. `options` holds only what differs from Docker's own defaults."""

    name: str
    image: str
    pull: str
    options: t.Mapping[str, t.Any]

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> ContainerSpec:
        """Read one item of `containers`; ContainerError for an invalid value."""
        options = {
            key: params[key]
            for key, default in _DEFAULTS.items()
            if params.get(key) is not None and params[key] != default
        }
        for text in options.get("ports", []):
            parse_port(text)
        if "exposed_ports" in options:
            # In one form and order, so that another way to write the same ports is no difference.
            exposed = sorted({exposed_port(text) for text in options["exposed_ports"]})
            options["exposed_ports"] = [f"{number}/{protocol}" for number, protocol in exposed]
        for key, value in options.get("env", {}).items():
            if "\n" in str(value) or "=" in key:
                raise ContainerError(f"{params['name']}: env {key!r} has a line break or an '='")
        for key in _DURATIONS & (options.get("healthcheck") or {}).keys():
            nanoseconds((options["healthcheck"][key]) or "0s")
        if "memory" in options and not _MEMORY.fullmatch(str(options["memory"])):
            raise ContainerError(f"memory {options['memory']!r} is not a size such as 64m or 1g")
        if options.get("pids_limit", 1) < 1:
            raise ContainerError(
                f"{params['name']}: pids_limit {options['pids_limit']} must be at least 1"
            )
        return cls(params["name"], params["image"], params.get("pull") or "missing", options)

    def get(self, option: str) -> t.Any:
        """The option's value, or the default that Docker applies."""
        return self.options.get(option, _DEFAULTS[option])

    @property
    def canonical(self) -> str:
        """The specification as the label holds it: equal texts mean equal containers."""
        content = {"image": self.image, **self.options}
        return json.dumps(content, sort_keys=True, separators=(",", ":"))


@dataclasses.dataclass(frozen=True)
class ActualContainer:
    """A container as the engine reports it, reduced to what a plan needs."""

    id: str
    name: str
    image_id: str
    running: bool
    labels: t.Mapping[str, str]
    # The engine's status in detail; it does not make it a different container.
    status: str = dataclasses.field(default="", compare=False)

    @property
    def active(self) -> bool:
        """Whether it must be stopped: also in a restart loop, or paused."""
        return self.running or self.status in ("restarting", "paused")

    @property
    def owner(self) -> str | None:
        """The owner label, None for a container that this collection did not create."""
        return self.labels.get(OWNER_LABEL)


@dataclasses.dataclass(frozen=True)
class Action:
    """One step: what is done to a container, and why."""

    name: str
    action: str
    reasons: tuple[str, ...] = ()
    spec: ContainerSpec | None = None
    actual: ActualContainer | None = None
    starts: bool = True

    @property
    def changes(self) -> bool:
        """Whether the step does anything."""
        return self.action != "unchanged"


@dataclasses.dataclass(frozen=True)
class ContainerPlan:
    """The steps from the actual containers to the wanted ones."""

    actions: tuple[Action, ...]

    @property
    def diff(self) -> Diff:
        """Both sides, a line for each container that a step touches."""
        changing = [action for action in self.actions if action.changes]
        return Diff(
            before={action.name: _before(action) for action in changing},
            after={action.name: _after(action) for action in changing},
        )


def parse_port(text: str) -> PortBinding:
    """Read `[[address:]host port:]container port[/udp]`; ContainerError names what is wrong."""
    rest, _slash, protocol = text.partition("/")
    parts = rest.rsplit(":", 2)
    numbers = parts[-2:]
    valid = all(part.isascii() and part.isdecimal() and 0 < int(part) < 65536 for part in numbers)
    if not valid or (protocol or "tcp") not in ("tcp", "udp", "sctp"):
        raise ContainerError(
            f"port {text!r} is not [[address:]host port:]container port[/protocol]"
        )
    return PortBinding(
        container_port=int(parts[-1]),
        protocol=protocol or "tcp",
        host_port=int(parts[-2]) if len(parts) > 1 else None,
        host_address=parts[0].strip("[]") if len(parts) == 3 else "",
    )


def exposed_port(text: str) -> tuple[int, str]:
    """Read `port[/protocol]`; ContainerError for anything else, also for a published port."""
    if ":" in text:
        raise ContainerError(
            f"exposed port {text!r} is not port[/protocol]: `ports` publishes a port of the host"
        )
    port = parse_port(text)
    return port.container_port, port.protocol


def nanoseconds(text: str) -> int:
    """Read a duration such as 500ms, 2s or 1m, as Docker's API counts it; else ContainerError."""
    match = re.fullmatch(r"(\d+)(ms|s|m)", text)
    if match is None:
        raise ContainerError(f"{text!r} is not a duration such as 500ms, 2s or 1m")
    return int(match[1]) * _NANOSECONDS[match[2]]


def plan_containers(
    wanted: t.Sequence[ContainerSpec],
    actual: t.Sequence[ActualContainer],
    image_ids: t.Mapping[str, str | None],
    *,
    owner: str,
    purge: bool,
) -> ContainerPlan:
    """Decide what happens to each container.

    `image_ids` has the image ID of each reference on this host, None if it is not present.
    Raises ContainerError, before any change, for a duplicate name and for a name that a container
    of another owner has.
    """
    names = [spec.name for spec in wanted]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContainerError(f"duplicate container names: {', '.join(twice)}")
    present = {container.name: container for container in actual}
    for name in names:
        named(actual, name, owner=owner)
    steps = [_step(spec, present.get(spec.name), image_ids.get(spec.image)) for spec in wanted]
    if purge:
        steps += [
            Action(name, "removed", ("no longer wanted",), actual=container)
            for name, container in sorted(present.items())
            if container.owner == owner and name not in names
        ]
    return ContainerPlan(tuple(steps))


def named(actual: t.Sequence[ActualContainer], name: str, *, owner: str) -> list[ActualContainer]:
    """The container of this name, if it exists; ContainerError if another owner has it."""
    found = [container for container in actual if container.name == name]
    for container in found:
        if container.owner != owner:
            raise ContainerError(
                f"a container named {name} belongs to another owner ({OWNER_LABEL} is "
                f"{container.owner!r}, not {owner!r}): rename or remove it, nothing was changed"
            )
    return found


def reach(plan: ContainerPlan, state: str) -> ContainerPlan:
    """The plan for a state other than running.

    `present` starts only what it creates, `stopped` starts nothing and stops what runs, and
    `restarted` stops and starts what would be left alone.
    """
    return ContainerPlan(tuple(_reach(action, state) for action in plan.actions))


def _reach(action: Action, state: str) -> Action:
    """One step, adapted. A container in a restart loop is stopped as well."""
    active = action.actual is not None and action.actual.active
    if state in ("stopped", "restarted") and action.action == "started" and active:
        return dataclasses.replace(action, action=state, reasons=("requested",))
    if state in ("present", "stopped") and action.action == "started":
        return dataclasses.replace(action, action="unchanged", reasons=())
    if state == "stopped" and action.action in ("created", "recreated"):
        return dataclasses.replace(action, starts=False)
    if state in ("stopped", "restarted") and action.action == "unchanged":
        return dataclasses.replace(action, action=state, reasons=("requested",))
    return action


def _step(spec: ContainerSpec, actual: ActualContainer | None, image_id: str | None) -> Action:
    """What one wanted container needs."""
    if actual is None:
        return Action(spec.name, "created", ("absent",), spec)
    reasons = _differences(spec, actual, image_id)
    if reasons:
        return Action(spec.name, "recreated", reasons, spec, actual)
    if not actual.running:
        return Action(spec.name, "started", ("not running",), spec, actual)
    return Action(spec.name, "unchanged", (), spec, actual)


def _differences(
    spec: ContainerSpec, actual: ActualContainer, image_id: str | None
) -> tuple[str, ...]:
    """The options in which the container differs from what is wanted."""
    before = _recorded(actual)
    after = json.loads(spec.canonical)
    keys = sorted({*before, *after})
    reasons = [key for key in keys if before.get(key) != after.get(key)]
    if not reasons and image_id != actual.image_id:
        reasons = ["image (the reference resolves to another image now)"]
    return tuple(reasons)


def _recorded(actual: ActualContainer) -> dict[str, t.Any]:
    """The specification that a container was created from; empty if its label is invalid."""
    try:
        content = json.loads(actual.labels.get(SPEC_LABEL, "{}"))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _before(action: Action) -> dict[str, t.Any]:
    """The diff's left side for one container."""
    if action.actual is None:
        return {"state": "absent"}
    inactive = action.actual.status if action.actual.active else "stopped"
    state = "running" if action.actual.running else inactive
    return {"state": state, **_recorded(action.actual)}


def _after(action: Action) -> dict[str, t.Any]:
    """The diff's right side for one container."""
    if action.spec is None:
        return {"state": "absent"}
    with_reason = action.action in ("recreated", "restarted")
    note = {"reason": ", ".join(action.reasons)} if with_reason else {}
    state = "running" if action.starts and action.action != "stopped" else "stopped"
    return {"state": state, **json.loads(action.spec.canonical), **note}
