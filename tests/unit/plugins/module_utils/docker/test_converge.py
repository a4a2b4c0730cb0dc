"""Read, plan once, apply once, report: what a module does to a host."""

from __future__ import annotations

import typing as t

import docker
import docker.errors
import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    OWNER_LABEL,
    SPEC_LABEL,
    Action,
    ActualContainer,
    ContainerError,
    ContainerPlan,
    ContainerSpec,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.converge import (
    Request,
    connect,
    converge,
    predict_empty,
    results,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.engine import EngineError
from hypothesis import given, settings
from hypothesis import strategies as st

LAW = settings(max_examples=25, deadline=None, database=None)

CONNECTION = {"docker_host": "unix:///engine.sock", "timeout": 5}
CHANGES = {"pull", "create", "remove", "start", "stop"}


def wanted(name: str = "web", image: str = "web:1", **options: t.Any) -> ContainerSpec:
    """A wanted container of which only the named options matter."""
    return ContainerSpec.from_params({"name": name, "image": image, **options})


def request(*containers: ContainerSpec, **changes: t.Any) -> Request:
    """A real run of ours that wants exactly these containers running."""
    usual = {"purge": True, "wait": "running", "wait_timeout": 5, "check_mode": False}
    return Request(**{"owner": "us", "containers": containers, **usual, **changes})


class FakeEngine:
    """An engine in memory: `done` holds what changed it, `waited` what was waited for."""

    def __init__(self, *images: str, registry: bool = True) -> None:
        """An engine that has these images; the others come from a registry, if it answers."""
        self.images = set(images)
        self.registry = registry
        self.found: dict[str, ActualContainer] = {}
        self.done: list[str] = []
        self.waited: list[tuple[list[str], str]] = []

    def containers(self) -> list[ActualContainer]:
        """What is there."""
        return list(self.found.values())

    def image_id(self, reference: str) -> str | None:
        """What a reference means."""
        return f"sha256:{reference}" if reference in self.images else None

    def pull(self, reference: str) -> None:
        """Fetch an image."""
        if not self.registry:
            raise EngineError(f"cannot pull {reference}")
        self.images.add(reference)
        self.done.append(f"pulled {reference}")

    def perform(self, actions: t.Sequence[Action], owner: str) -> None:
        """Carry out the steps."""
        for step in (step for step in actions if step.changes):
            self.done.append(f"{step.action} {step.name}")
            self.found.pop(step.name, None)
            if step.spec:
                up = step.starts and step.action != "stopped"
                self.has(step.spec, owner=owner, running=up)

    def wait(self, names: list[str], condition: str, seconds: float) -> None:
        """Find everything as it should be."""
        self.waited.append((names, condition))

    def describe(self, name: str) -> dict[str, t.Any]:
        """Identifiers and address of what is there."""
        if name not in self.found:
            return {}
        image_id = self.found[name].image_id
        return {"id": f"id-{name}", "image_id": image_id, "address": "172.17.0.2"}

    def has(self, spec: ContainerSpec, *, owner: str = "us", running: bool = True) -> None:
        """Put a container in place that was made from `spec`."""
        labels = {OWNER_LABEL: owner, SPEC_LABEL: spec.canonical}
        self.found[spec.name] = ActualContainer(
            f"id-{spec.name}", spec.name, f"sha256:{spec.image}", running, labels
        )


# Images


def test_a_missing_image_is_pulled_before_its_container_is_made() -> None:
    """The image is at hand when the container needs it."""
    engine = FakeEngine()
    converge(engine, request(wanted()))
    assert engine.done == ["pulled web:1", "created web"]


def test_an_image_at_hand_is_not_pulled() -> None:
    """By default a registry is not even asked."""
    engine = FakeEngine("web:1", registry=False)
    converge(engine, request(wanted()))
    assert engine.done == ["created web"]


def test_an_image_is_pulled_always_where_that_was_asked_for() -> None:
    """Whether a reference moved shows only after pulling."""
    engine = FakeEngine("web:1")
    converge(engine, request(wanted(pull="always")))
    assert engine.done == ["pulled web:1", "created web"]


def test_an_image_that_must_not_be_pulled_is_missed() -> None:
    """The sentence names the image and its policy, and nothing was done."""
    engine = FakeEngine()
    with pytest.raises(EngineError, match=r"web:1 is not on this host.*'never'"):
        converge(engine, request(wanted(pull="never")))
    assert engine.done == []


def test_a_silent_registry_costs_nothing_that_runs() -> None:
    """An image that cannot be had leaves every container as it is."""
    engine = FakeEngine("web:1", registry=False)
    engine.has(wanted())
    with pytest.raises(EngineError, match="cannot pull web:2"):
        converge(engine, request(wanted(image="web:2")))
    assert engine.done == []


def test_two_containers_of_an_image_both_have_their_policy() -> None:
    """'always' of one container holds although another of the same image is content."""
    engine = FakeEngine("web:1")
    converge(engine, request(wanted("a", pull="always"), wanted("b", pull="missing")))
    assert "pulled web:1" in engine.done


# Check mode


def test_check_mode_changes_nothing() -> None:
    """A prediction neither pulls nor touches nor waits."""
    engine = FakeEngine("old:1")
    engine.has(wanted("old", "old:1"))
    converge(engine, request(wanted(pull="always"), check_mode=True))
    assert (engine.done, engine.waited) == ([], [])


def test_check_mode_predicts_the_run() -> None:
    """The prediction and the run tell the same steps."""
    engine = FakeEngine("web:1")
    engine.has(wanted("old"))
    predicted = converge(engine, request(wanted(), check_mode=True))
    assert predicted == converge(engine, request(wanted()))


def test_a_host_without_an_engine_gets_everything() -> None:
    """Where nothing is yet, everything is created."""
    plan = predict_empty(request(wanted("web"), wanted("db"), check_mode=True))
    assert [(step.name, step.action) for step in plan.actions] == [
        ("web", "created"),
        ("db", "created"),
    ]


# Whose it is


def test_a_name_of_somebody_else_stops_everything() -> None:
    """A foreign container under a wanted name ends the run before its first step."""
    engine = FakeEngine("web:1")
    engine.has(wanted(), owner="them")
    with pytest.raises(ContainerError, match="belongs to another owner"):
        converge(engine, request(wanted(), wanted("db")))
    assert engine.done == []


def test_a_narrowed_request_leaves_the_owners_others_alone() -> None:
    """With `only`, purging reaches the container of that name and no other."""
    engine = FakeEngine("web:1")
    engine.has(wanted("web"))
    engine.has(wanted("db"))
    converge(engine, request(only="web"))
    assert engine.done == ["removed web"]


# Waiting


def test_what_runs_is_waited_for() -> None:
    """Containers that were left alone count as well; a removed one does not."""
    engine = FakeEngine("web:1")
    engine.has(wanted("old"))
    engine.has(wanted("db"))
    converge(engine, request(wanted("web"), wanted("db"), wait="healthy"))
    assert engine.waited == [(["web", "db"], "healthy")]


@pytest.mark.parametrize("changes", [{"wait": "none"}, {"state": "stopped"}, {"containers": ()}])
def test_there_is_not_always_something_to_wait_for(changes: dict[str, t.Any]) -> None:
    """Nobody asked, nothing shall run, or nothing is wanted: no wait."""
    engine = FakeEngine("web:1")
    converge(engine, request(wanted(), **changes))
    assert engine.waited == []


def test_a_container_that_may_rest_is_not_waited_for() -> None:
    """With state `present` a container that is down stays down, and nobody waits for it."""
    engine = FakeEngine("web:1")
    engine.has(wanted(), running=False)
    converge(engine, request(wanted(), state="present"))
    assert engine.waited == []


# Reaching the engine


def test_an_engine_that_answers_is_used(api: object) -> None:
    """In a check the engine is looked at, if there is one."""
    assert connect(CONNECTION, check_mode=True) is not None


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine answers."""

    def refuse(**_connection: t.Any) -> t.NoReturn:
        raise docker.errors.DockerException("connection refused")

    monkeypatch.setattr(docker, "APIClient", refuse)


@pytest.mark.usefixtures("silence")
def test_a_silent_engine_fails_a_real_run() -> None:
    """Nothing can be done without an engine."""
    with pytest.raises(EngineError):
        connect(CONNECTION, check_mode=False)


@pytest.mark.usefixtures("silence")
def test_a_silent_engine_is_expected_in_a_check() -> None:
    """The run that is predicted would install it first."""
    assert connect(CONNECTION, check_mode=True) is None


# The report


def test_a_result_tells_what_happened_and_where_it_is() -> None:
    """A step's outcome stands next to the engine's description."""
    engine = FakeEngine("web:1")
    assert results(converge(engine, request(wanted())), engine) == [
        {
            "name": "web",
            "image": "web:1",
            "action": "created",
            "reasons": ["absent"],
            "id": "id-web",
            "image_id": "sha256:web:1",
            "ports": {},
            "address": "172.17.0.2",
        }
    ]


def test_a_removed_container_has_a_result_too() -> None:
    """What is gone has neither image nor identifier."""
    engine = FakeEngine()
    engine.has(wanted())
    (result,) = results(converge(engine, request()), engine)
    assert (result["action"], result["image"], result["id"]) == ("removed", None, None)


def test_without_an_engine_nothing_is_described() -> None:
    """A prediction for an empty host knows no identifiers."""
    (result,) = results(ContainerPlan((Action("web", "created", spec=wanted()),)), None)
    assert (result["id"], result["image_id"], result["address"]) == (None, None, "")


# Laws

SPECS = st.lists(
    st.builds(
        wanted,
        st.sampled_from(["web", "db", "cache"]),
        st.sampled_from(["web:1", "web:2"]),
        memory=st.none() | st.just("64m"),
    ),
    max_size=3,
    unique_by=lambda spec: spec.name,
)


@LAW
@given(before=SPECS, after=SPECS, state=st.sampled_from(["started", "present", "stopped"]))
def test_a_second_run_does_nothing(
    before: list[ContainerSpec], after: list[ContainerSpec], state: str
) -> None:
    """Whatever was there, the same request finds nothing to do the second time."""
    engine = FakeEngine()
    converge(engine, request(*before))
    converge(engine, request(*after, state=state))
    engine.done.clear()
    again = converge(engine, request(*after, state=state))
    assert (again.diff.changed, engine.done) == (False, [])
