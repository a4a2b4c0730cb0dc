"""From wanted and actual containers to a plan."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    ActualContainer,
    ContainerError,
    ContainerSpec,
    Plan,
    PortBinding,
    parse_port,
    plan_containers,
    reach,
)
from builders import IMAGE_IDS, running, spec
from hypothesis import given
from hypothesis import strategies as st


def plan(wanted: list[ContainerSpec], actual: list[ActualContainer], *, purge: bool = True) -> Plan:
    """The plan of the owner `web`."""
    return plan_containers(wanted, actual, IMAGE_IDS, owner="web", purge=purge)


def actions(found: Plan) -> dict[str, str]:
    """What happens to each container."""
    return {action.name: action.action for action in found.actions}


def test_an_absent_container_is_created() -> None:
    """Nothing there, one wanted: create it."""
    assert actions(plan([spec()], [])) == {"web-1": "created"}


def test_a_container_as_wanted_is_left_alone() -> None:
    """The same specification and image: no step, no diff."""
    found = plan([spec()], [running(spec())])
    assert (actions(found), found.diff.changed) == ({"web-1": "unchanged"}, False)


def test_a_stopped_container_is_started() -> None:
    """It is as wanted but does not run."""
    assert actions(plan([spec()], [running(spec(), running=False)])) == {"web-1": "started"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("env", {"A": "1"}),
        ("ports", ["80"]),
        ("command", ["run"]),
        ("memory", "64m"),
        ("network_mode", "host"),
        ("read_only", True),
        ("healthcheck", {"test": ["CMD", "true"]}),
    ],
)
def test_a_changed_option_recreates_and_is_named(option: str, value: object) -> None:
    """The reason says which option differs, and no other."""
    found = plan([spec(**{option: value})], [running(spec())])
    assert [(step.action, step.reasons) for step in found.actions] == [("recreated", (option,))]


def test_another_image_behind_the_same_name_recreates() -> None:
    """The tag moved: the reason says so."""
    (step,) = plan([spec()], [running(spec(), image_id="sha256:old")]).actions
    assert step.reasons == ("image (the name means another image now)",)


def test_what_the_owner_no_longer_wants_is_removed() -> None:
    """Scaling in removes the surplus."""
    found = plan([spec("web-1")], [running(spec("web-1")), running(spec("web-2"))])
    assert actions(found) == {"web-1": "unchanged", "web-2": "removed"}


def test_without_purge_the_surplus_stays() -> None:
    """purge=false only adds."""
    found = plan([spec("web-1")], [running(spec("web-2"))], purge=False)
    assert actions(found) == {"web-1": "created"}


def test_containers_of_others_are_never_touched() -> None:
    """Another owner's container, and one of nobody, stay."""
    others = [running(spec("db"), owner="db"), running(spec("manual"), labels={})]
    assert actions(plan([], others)) == {}


def test_a_name_that_somebody_else_holds_is_refused_before_anything_happens() -> None:
    """The message names the holder and says that nothing was changed."""
    with pytest.raises(ContainerError, match=r"is not ours.*nothing was changed"):
        plan([spec()], [running(spec(), owner="db")])


def test_a_name_given_twice_is_refused() -> None:
    """Two wanted containers cannot share a name."""
    with pytest.raises(ContainerError, match="given twice: web-1"):
        plan([spec(), spec()], [])


def test_a_label_that_was_tampered_with_leads_to_recreation() -> None:
    """A specification that cannot be read is another one."""
    broken = running(spec(env={"A": "1"}))
    broken.labels["rollcall.spec"] = "not json"  # type: ignore[index]
    assert actions(plan([spec(env={"A": "1"})], [broken])) == {"web-1": "recreated"}


@pytest.mark.parametrize(
    ("state", "actual", "action", "starts"),
    [
        ("started", [running(spec(), running=False)], "started", True),
        ("present", [running(spec(), running=False)], "unchanged", True),
        ("present", [], "created", True),
        ("stopped", [], "created", False),
        ("stopped", [running(spec())], "stopped", True),
        ("stopped", [running(spec(), running=False)], "unchanged", True),
        ("restarted", [running(spec())], "restarted", True),
        ("restarted", [running(spec(), running=False)], "started", True),
    ],
)
def test_a_state_adapts_the_plan(
    state: str, actual: list[ActualContainer], action: str, starts: bool
) -> None:
    """Each state does what it says, and nothing to a container that has it."""
    (step,) = reach(plan([spec()], actual), state).actions
    assert (step.action, step.starts) == (action, starts)


@pytest.mark.parametrize(
    ("text", "binding"),
    [
        ("80", PortBinding(80, "tcp", None, "")),
        ("8080:80", PortBinding(80, "tcp", 8080, "")),
        ("53:53/udp", PortBinding(53, "udp", 53, "")),
        ("127.0.0.1:8080:80", PortBinding(80, "tcp", 8080, "127.0.0.1")),
        ("[::1]:8080:80", PortBinding(80, "tcp", 8080, "::1")),
    ],
)
def test_a_port_is_read(text: str, binding: PortBinding) -> None:
    """Container port, host port, address, protocol."""
    assert parse_port(text) == binding


@pytest.mark.parametrize("text", ["", "web", "0", "70000", "80/xyz", "80:", ":80"])
def test_a_port_that_cannot_be_meant_is_refused(text: str) -> None:
    """The message shows the text and the grammar."""
    with pytest.raises(ContainerError, match="is not"):
        parse_port(text)


def test_an_environment_with_a_line_break_is_refused() -> None:
    """It would become a second variable in an env file, or a log line."""
    with pytest.raises(ContainerError, match="line break"):
        spec(env={"A": "1\nB=2"})


NAMES = st.sampled_from(["web-1", "web-2", "web-3"])
SPECS = st.builds(spec, NAMES, env=st.dictionaries(st.sampled_from("AB"), st.sampled_from("12")))
WANTED = st.lists(SPECS, unique_by=lambda wanted: wanted.name)
ACTUAL = st.lists(
    st.builds(running, SPECS, running=st.booleans()), unique_by=lambda actual: actual.name
)


@given(WANTED, ACTUAL)
def test_planning_again_after_a_plan_was_carried_out_finds_nothing(
    wanted: list[ContainerSpec], actual: list[ActualContainer]
) -> None:
    """The second run changes nothing, whatever was there before."""
    kept = {step.name: running(step.spec) for step in plan(wanted, actual).actions if step.spec}
    assert not plan(wanted, list(kept.values())).diff.changed


@given(WANTED, ACTUAL)
def test_changed_means_that_some_step_changes_something(
    wanted: list[ContainerSpec], actual: list[ActualContainer]
) -> None:
    """The diff and the steps cannot disagree."""
    found = plan(wanted, actual)
    assert found.diff.changed == any(action.changes for action in found.actions)
