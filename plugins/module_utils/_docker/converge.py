# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""What both container modules share: read, plan once, apply once, report."""

from __future__ import annotations

import dataclasses
import typing as t

from .container import (
    Action,
    ActualContainer,
    ContainerPlan,
    ContainerSpec,
    named,
    plan_containers,
    reach,
)
from .engine import Engine, EngineError


@dataclasses.dataclass(frozen=True)
class Request:
    """The wanted containers of a host, and the options for applying them.

    `only` limits it to the container of that name: other containers of the owner are untouched.
    """

    owner: str
    containers: tuple[ContainerSpec, ...]
    purge: bool
    wait: str
    wait_timeout: float
    check_mode: bool
    state: str = "started"
    only: str | None = None


def connect(params: t.Mapping[str, t.Any], *, check_mode: bool) -> Engine | None:
    """The engine of the module's options; None in check mode if it does not answer."""
    try:
        return Engine(params["docker_host"], params["timeout"])
    except EngineError:
        if check_mode:
            return None
        raise


def predict_empty(request: Request) -> ContainerPlan:
    """The plan for a host that has no engine or SDK yet: everything is created."""
    return _plan(request, [], {})


def converge(engine: Engine, request: Request) -> ContainerPlan:
    """Plan and, outside check mode, apply; returns the plan.

    All images are pulled before the first container changes: an unreachable registry does not
    affect a running container.
    """
    image_ids, missing = _resolve(engine, request)
    plan = _plan(request, engine.containers(), image_ids)
    if request.check_mode:
        return plan
    for reference in missing:
        engine.pull(reference)
    engine.perform(plan.actions, request.owner)
    names = [action.name for action in plan.actions if _runs(action, request.state)]
    if request.wait != "none" and names:
        engine.wait(names, request.wait, request.wait_timeout)
    return plan


def results(plan: ContainerPlan, engine: Engine | None) -> list[dict[str, t.Any]]:
    """One entry for each container: the action, its reasons, ports and address."""
    return [
        {
            "name": step.name,
            "image": step.spec.image if step.spec else None,
            "action": step.action,
            "reasons": list(step.reasons),
            "id": None,
            "image_id": None,
            "ports": {},
            "address": "",
            **(engine.describe(step.name) if engine else {}),
        }
        for step in plan.actions
    ]


def _plan(
    request: Request,
    actual: t.Sequence[ActualContainer],
    image_ids: t.Mapping[str, str | None],
) -> ContainerPlan:
    """The plan of a request, for check mode and for the real run."""
    if request.only is not None:
        actual = named(actual, request.only, owner=request.owner)
    plan = plan_containers(
        request.containers, actual, image_ids, owner=request.owner, purge=request.purge
    )
    return reach(plan, request.state)


def _runs(action: Action, state: str) -> bool:
    """Whether the container runs after the step; `present` may leave one stopped."""
    if action.spec is None or state == "stopped":
        return False
    return action.action != "unchanged" or bool(action.actual and action.actual.running)


def _policies(specs: t.Sequence[ContainerSpec]) -> dict[str, str]:
    """The pull policy of each image: the strictest of several containers."""
    order = ("never", "missing", "always")
    eager = sorted(specs, key=lambda spec: order.index(spec.pull))
    return {spec.image: spec.pull for spec in eager}


def _resolve(engine: Engine, request: Request) -> tuple[dict[str, str | None], list[str]]:
    """The image ID of each reference, and the references to pull."""
    policies = _policies(request.containers)
    if not request.check_mode:
        for reference in (name for name, pull in policies.items() if pull == "always"):
            engine.pull(reference)
    found = {reference: engine.image_id(reference) for reference in policies}
    missing = [reference for reference, image_id in found.items() if image_id is None]
    for reference in missing:
        if policies[reference] == "never":
            raise EngineError(
                f"image {reference} is not on this host and its pull policy is 'never': load it "
                "(playbook rollcall.discovery.images) or allow pulling; nothing was changed"
            )
    return found, missing
