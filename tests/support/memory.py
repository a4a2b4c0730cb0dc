"""A Docker Engine in memory, as the modules see it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    OWNER_LABEL,
    SPEC_LABEL,
    Action,
    ActualContainer,
)

IMAGE, OTHER = "rollcall/registrator:1.0.0", "other:2"


class MemoryEngine:
    """A host's containers by name; does what an engine does, at once. It has IMAGE and OTHER."""

    def __init__(self) -> None:
        """A host without containers."""
        self.found: dict[str, ActualContainer] = {}
        self.images = {IMAGE: "sha256:1", OTHER: "sha256:2"}
        self.done: list[str] = []

    def put(self, name: str, *, owner: str = "registrator", status: str = "running") -> None:
        """A container that stands there before the story begins."""
        labels = {OWNER_LABEL: owner, SPEC_LABEL: "{}"}
        running = status == "running"
        self.found[name] = ActualContainer(f"id-{name}", name, "sha256:1", running, labels, status)

    def turn(self, name: str, status: str) -> None:
        """Something happened to a container behind our back."""
        running = status == "running"
        self.found[name] = dataclasses.replace(self.found[name], running=running, status=status)

    def containers(self) -> list[ActualContainer]:
        return list(self.found.values())

    def image_id(self, reference: str) -> str | None:
        return self.images.get(reference)

    def pull(self, reference: str) -> None:
        self.done.append(f"pull {reference}")
        self.images[reference] = "sha256:pulled"

    def perform(self, actions: t.Sequence[Action], owner: str) -> None:
        for step in actions:
            if not step.changes:
                continue
            self.done.append(f"{step.action} {step.name}")
            self.found.pop(step.name, None)
            if step.spec is not None:
                up = step.starts and step.action != "stopped"
                labels = {OWNER_LABEL: owner, SPEC_LABEL: step.spec.canonical}
                image = self.images[step.spec.image]
                self.found[step.name] = ActualContainer(
                    f"id-{step.name}", step.name, image, up, labels, "running" if up else "exited"
                )

    def wait(self, names: t.Sequence[str], condition: str, seconds: float) -> None:
        self.done.append(f"wait {condition} {seconds} {' '.join(names)}")

    def describe(self, name: str) -> dict[str, t.Any]:
        if name not in self.found:
            return {}
        found = self.found[name]
        place = {"ports": {"80/tcp": ["32768"]}, "address": "172.17.0.2"}
        return {"id": found.id, "image_id": found.image_id, **place}
