"""Reading, planning once and applying once, against an engine that only remembers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    Action,
    ActualContainer,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.converge import (
    Request,
    converge,
    predict_empty,
    results,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.engine import (
    EngineError,
    nanoseconds,
)
from builders import running, spec


@dataclasses.dataclass
class MemoryEngine:
    """An engine that keeps what is done to it."""

    images: dict[str, str] = dataclasses.field(default_factory=dict)
    present: list[ActualContainer] = dataclasses.field(default_factory=list)
    done: list[str] = dataclasses.field(default_factory=list)

    def containers(self) -> list[ActualContainer]:
        return self.present

    def image_id(self, reference: str) -> str | None:
        return self.images.get(reference)

    def pull(self, reference: str) -> None:
        self.done.append(f"pull {reference}")
        self.images[reference] = "sha256:one"

    def perform(self, actions: Sequence[Action], owner: str) -> None:
        self.done += [f"{owner}: {step.action} {step.name}" for step in actions if step.changes]

    def wait(self, names: Sequence[str], condition: str, seconds: float) -> None:
        self.done.append(f"wait {condition}: {' '.join(names)}")

    def describe(self, name: str) -> dict[str, Any]:
        return {"id": f"id-of-{name}"}


def request(**changes: Any) -> Request:
    """One container web-1 of the owner `web`, waited for until it runs."""
    values: dict[str, Any] = {
        "owner": "web",
        "containers": (spec(),),
        "purge": True,
        "wait": "running",
        "wait_timeout": 5,
        "check_mode": False,
    }
    return Request(**{**values, **changes})


def test_images_are_fetched_before_a_container_is_touched() -> None:
    """A registry that does not answer costs nothing that runs."""
    engine = MemoryEngine()
    converge(engine, request())  # type: ignore[arg-type]  # stands in for Engine
    assert engine.done == ["pull web:1", "web: created web-1", "wait running: web-1"]


def test_check_mode_only_looks() -> None:
    """The plan is the real run's, and the engine was asked for nothing."""
    engine = MemoryEngine()
    plan = converge(engine, request(check_mode=True))  # type: ignore[arg-type]
    assert ([step.action for step in plan.actions], engine.done) == (["created"], [])


def test_the_policy_always_pulls_even_what_is_there() -> None:
    """A moved tag is noticed."""
    engine = MemoryEngine(images={"web:1": "sha256:one"})
    converge(engine, request(containers=(spec(pull="always"),)))  # type: ignore[arg-type]
    assert engine.done[0] == "pull web:1"


def test_the_policy_never_fails_before_anything_changes() -> None:
    """The message says how to bring the image."""
    engine = MemoryEngine()
    with pytest.raises(EngineError, match=r"'never'.*nothing was changed"):
        converge(engine, request(containers=(spec(pull="never"),)))  # type: ignore[arg-type]
    assert engine.done == []


def test_a_stopped_container_is_not_waited_for() -> None:
    """state=stopped ends with nothing that could become healthy."""
    engine = MemoryEngine(images={"web:1": "sha256:one"}, present=[running(spec())])
    converge(engine, request(state="stopped"))  # type: ignore[arg-type]
    assert engine.done == ["web: stopped web-1"]


def test_a_host_without_an_engine_is_predicted_as_empty() -> None:
    """Everything wanted is created there."""
    assert [step.action for step in predict_empty(request()).actions] == ["created"]


def test_results_say_where_a_container_is_now() -> None:
    """Each entry carries the plan's word and what the engine tells afterwards."""
    engine = MemoryEngine(images={"web:1": "sha256:one"})
    plan = converge(engine, request())  # type: ignore[arg-type]
    (entry,) = results(plan, engine)  # type: ignore[arg-type]
    assert (entry["action"], entry["id"]) == ("created", "id-of-web-1")


@pytest.mark.parametrize(("text", "value"), [("500ms", 5 * 10**8), ("2s", 2 * 10**9), ("1m", 6e10)])
def test_durations_are_counted_as_docker_does(text: str, value: float) -> None:
    """Nanoseconds."""
    assert nanoseconds(text) == value


def test_a_duration_without_a_unit_is_refused() -> None:
    """2 could mean anything."""
    with pytest.raises(EngineError, match="not a duration"):
        nanoseconds("2")
