"""Containers as values: what is wanted, what there is, and the steps between."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    OWNER_LABEL,
    SPEC_LABEL,
    Action,
    ActualContainer,
    ContainerError,
    ContainerPlan,
    ContainerSpec,
    PortBinding,
    exposed_port,
    named,
    parse_port,
    plan_containers,
    reach,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.options import CONTAINER
from hypothesis import given, settings
from hypothesis import strategies as st

LAW = settings(max_examples=25, deadline=None, database=None)

STATES = ("started", "present", "stopped", "restarted")
# The states that describe how things are; `restarted` describes what is done.
LASTING = ("started", "present", "stopped")


def wanted(name: str = "web", image: str = "web:1", **options: t.Any) -> ContainerSpec:
    """A wanted container of which only the named options matter."""
    return ContainerSpec.from_params({"name": name, "image": image, **options})


def image_id(reference: str) -> str:
    """The identifier of an image that is there."""
    return f"sha256:{reference}"


def actual(
    spec: ContainerSpec | None = None,
    *,
    running: bool = True,
    owner: str | None = "us",
    **more: t.Any,
) -> ActualContainer:
    """The container that was made from `spec`."""
    spec = spec or wanted()
    labels = {SPEC_LABEL: spec.canonical} | ({OWNER_LABEL: owner} if owner else {})
    made = ActualContainer(f"id-{spec.name}", spec.name, image_id(spec.image), running, labels)
    return dataclasses.replace(made, **more)


def plan(
    specs: t.Sequence[ContainerSpec],
    found: t.Sequence[ActualContainer] = (),
    *,
    purge: bool = True,
    state: str = "started",
) -> ContainerPlan:
    """Our plan on a host that has every image."""
    images = {spec.image: image_id(spec.image) for spec in specs}
    return reach(plan_containers(specs, found, images, owner="us", purge=purge), state)


def steps(planned: ContainerPlan) -> dict[str, str]:
    """What happens to each container, in a word."""
    return {step.name: step.action for step in planned.actions}


def only(planned: ContainerPlan) -> Action:
    """The plan's single step."""
    (step,) = planned.actions
    return step


def carried_out(
    planned: ContainerPlan, found: t.Sequence[ActualContainer]
) -> list[ActualContainer]:
    """The containers there are once every step is done."""
    after = {container.name: container for container in found}
    for step in planned.actions:
        if step.action == "removed":
            del after[step.name]
        elif step.action in ("created", "recreated") and step.spec:
            after[step.name] = actual(step.spec, running=step.starts)
        elif step.action != "unchanged":
            up = step.action != "stopped"
            after[step.name] = dataclasses.replace(after[step.name], running=up)
    return list(after.values())


# What is wanted


def test_an_option_at_its_default_is_not_part_of_the_container() -> None:
    """Naming Docker's own default wants the same container as saying nothing."""
    assert wanted(network_mode="bridge", init=False, ports=[]) == wanted()


def test_an_option_without_a_value_is_not_part_of_the_container() -> None:
    """An unset option of Ansible, None, says nothing."""
    assert wanted(memory=None, env=None).options == {}


def test_an_option_that_differs_is_kept() -> None:
    """What differs from Docker's default is part of the container."""
    assert wanted(network_mode="host").options == {"network_mode": "host"}


def test_an_unset_option_reads_as_dockers_default() -> None:
    """Asked for an option nobody gave, the container answers what Docker will do."""
    assert wanted().get("restart_policy") == "unless-stopped"


def test_an_image_is_pulled_when_it_is_missing() -> None:
    """Without a word about it, an image is fetched where it is not there."""
    assert wanted().pull == "missing"


@pytest.mark.parametrize("option", sorted(set(CONTAINER) - {"name", "image", "pull"}))
def test_the_modules_defaults_are_dockers(option: str) -> None:
    """What the modules fill in by themselves is what the container leaves out."""
    assert CONTAINER[option].get("default") == wanted().get(option)


@pytest.mark.parametrize("env", [{"A": "one\ntwo"}, {"A=B": "c"}])
def test_a_variable_that_would_become_another_is_refused(env: dict[str, str]) -> None:
    """A line break or an '=' in the wrong place is named with the container."""
    with pytest.raises(ContainerError, match="web: env"):
        wanted(env=env)


def test_a_variables_value_may_hold_an_equals_sign() -> None:
    """Only the first '=' of a variable separates."""
    assert wanted(env={"OPTS": "a=b"}).get("env") == {"OPTS": "a=b"}


def test_a_bad_port_is_found_while_reading() -> None:
    """A port that cannot be meant is refused before anything is planned."""
    with pytest.raises(ContainerError, match="port 'http'"):
        wanted(ports=["http"])


def test_a_bad_duration_is_found_while_reading() -> None:
    """A health check's duration that cannot be meant is refused before anything is planned."""
    with pytest.raises(ContainerError, match="2 seconds"):
        wanted(healthcheck={"test": ["CMD", "true"], "interval": "2 seconds"})


def test_the_order_of_variables_does_not_matter() -> None:
    """The label's text is the same in whatever order a dictionary was written."""
    one, other = wanted(env={"A": "1", "B": "2"}), wanted(env={"B": "2", "A": "1"})
    assert one.canonical == other.canonical


def test_how_the_image_comes_is_not_part_of_the_container() -> None:
    """Another pull policy is no reason to make the container again."""
    assert wanted(pull="always").canonical == wanted(pull="never").canonical


# Ports


@pytest.mark.parametrize(
    ("text", "binding"),
    [
        ("80", PortBinding(80, "tcp", None, "")),
        ("80/udp", PortBinding(80, "udp", None, "")),
        ("8080:80", PortBinding(80, "tcp", 8080, "")),
        ("8080:80/sctp", PortBinding(80, "sctp", 8080, "")),
        ("127.0.0.1:8080:80", PortBinding(80, "tcp", 8080, "127.0.0.1")),
        ("[::1]:8080:80/tcp", PortBinding(80, "tcp", 8080, "::1")),
        ("::1:8080:80", PortBinding(80, "tcp", 8080, "::1")),
        ("65535:1", PortBinding(1, "tcp", 65535, "")),
    ],
)
def test_a_port_is_read(text: str, binding: PortBinding) -> None:
    """Each way to write a port has one meaning."""
    assert parse_port(text) == binding


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http",
        "0",
        "65536",
        "-1",
        "80:",
        ":80",
        "80:0",
        "80/icmp",
        "8000-8010:80",
        "127.0.0.1::80",
    ],
)
def test_what_is_no_port_is_refused(text: str) -> None:
    """The sentence repeats what was written."""
    with pytest.raises(ContainerError, match="is not"):
        parse_port(text)


def test_a_digit_that_is_no_number_is_refused() -> None:
    """A superscript is no port, and is refused like any other text."""
    try:
        parse_port("8²")
    except ValueError as error:
        assert isinstance(error, ContainerError)  # noqa: PT017 (raises() would take the subclass)


@LAW
@given(
    port=st.integers(1, 65535),
    host_port=st.none() | st.integers(1, 65535),
    address=st.sampled_from(["", "127.0.0.1", "10.111.152.136", "::1", "fe80::1"]),
    protocol=st.sampled_from(["tcp", "udp", "sctp"]),
)
def test_a_written_port_is_read_as_it_was_meant(
    port: int, host_port: int | None, address: str, protocol: str
) -> None:
    """Writing a binding down and reading it gives the binding."""
    address = address if host_port else ""
    shown = f"[{address}]:" if ":" in address else f"{address}:" if address else ""
    text = f"{shown}{f'{host_port}:' if host_port else ''}{port}/{protocol}"
    assert parse_port(text) == PortBinding(port, protocol, host_port, address)


@pytest.mark.parametrize(
    ("text", "port"), [("80", (80, "tcp")), ("80/tcp", (80, "tcp")), ("53/udp", (53, "udp"))]
)
def test_an_exposed_port_is_read(text: str, port: tuple[int, str]) -> None:
    """A number, and a protocol if it is not TCP."""
    assert exposed_port(text) == port


@pytest.mark.parametrize(
    "text", ["", "http", "0", "80/icmp", "8080:80", "127.0.0.1:8080:80", "8000-8010"]
)
def test_what_is_no_exposed_port_is_refused(text: str) -> None:
    """A published port too, before anything is planned."""
    with pytest.raises(ContainerError, match=f"port {text!r} is not"):
        wanted(exposed_ports=[text])


def test_exposed_ports_are_the_same_however_they_are_written() -> None:
    """Order, repetition and the protocol by default make no other container."""
    one, other = wanted(exposed_ports=["80", "53/udp"]), wanted(exposed_ports=["53/udp", "80/tcp"])
    assert one.canonical == other.canonical
    assert wanted(exposed_ports=["80", "80/tcp"]).get("exposed_ports") == ["80/tcp"]


# The plan


def test_an_absent_container_is_created() -> None:
    """What is wanted and not there is made."""
    assert only(plan([wanted()])).action == "created"


def test_a_container_as_wanted_is_left_alone() -> None:
    """What is there as wanted is not touched."""
    assert only(plan([wanted()], [actual()])).action == "unchanged"


def test_a_stopped_container_is_started() -> None:
    """What is as wanted but does not run is started, not made again."""
    assert only(plan([wanted()], [actual(running=False)])).action == "started"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"env": {"A": "1"}}, "env"),
        ({"ports": ["80"]}, "ports"),
        ({"exposed_ports": ["80"]}, "exposed_ports"),
        ({"image": "web:2"}, "image"),
    ],
)
def test_a_container_that_differs_is_made_again(options: dict[str, t.Any], reason: str) -> None:
    """The step names the option that differs."""
    step = only(plan([wanted(**options)], [actual()]))
    assert (step.action, step.reasons) == ("recreated", (reason,))


def test_an_option_that_is_no_longer_given_is_a_difference() -> None:
    """Taking an option away brings Docker's default back."""
    before = actual(wanted(memory="64m"))
    assert only(plan([wanted()], [before])).reasons == ("memory",)


def test_a_moved_tag_is_a_difference() -> None:
    """The same reference that means another image now makes the container again."""
    step = only(plan([wanted()], [actual(image_id="sha256:yesterday")]))
    assert step.action == "recreated"
    assert "another image" in step.reasons[0]


@pytest.mark.parametrize("label", ["", "not json", "[]", "null"])
def test_a_tampered_label_is_healed(label: str) -> None:
    """A container whose record cannot be read is made again, and nothing breaks."""
    labels = {OWNER_LABEL: "us", SPEC_LABEL: label}
    assert only(plan([wanted()], [actual(labels=labels)])).action == "recreated"


def test_our_leftover_is_removed() -> None:
    """With purge, a container of ours that nobody wants any more goes."""
    assert steps(plan([], [actual()])) == {"web": "removed"}


def test_without_purge_a_leftover_stays() -> None:
    """Without purge, what is not named is not touched."""
    assert steps(plan([], [actual()], purge=False)) == {}


@pytest.mark.parametrize("owner", ["them", None])
def test_what_is_not_ours_is_not_purged(owner: str | None) -> None:
    """A container of somebody else, or of nobody, outlives our purge."""
    assert steps(plan([], [actual(owner=owner)])) == {}


@pytest.mark.parametrize("owner", ["them", None])
def test_a_name_that_is_taken_is_refused(owner: str | None) -> None:
    """A wanted name that a container of somebody else holds ends the plan with both owners."""
    with pytest.raises(ContainerError, match=rf"web belongs to another owner.*{owner!r}, not 'us'"):
        plan([wanted()], [actual(owner=owner)])


def test_a_name_given_twice_is_refused() -> None:
    """Two wanted containers cannot share a name."""
    with pytest.raises(ContainerError, match="duplicate container names: db, web"):
        plan([wanted("web"), wanted("db"), wanted("web"), wanted("db")])


def test_steps_follow_the_order_in_which_containers_are_wanted() -> None:
    """The wanted ones come as they were written, the leftovers after them by name."""
    leftovers = [actual(wanted("old-b")), actual(wanted("old-a"))]
    planned = plan([wanted("web"), wanted("db")], leftovers)
    assert list(steps(planned)) == ["web", "db", "old-a", "old-b"]


# States other than running


@pytest.mark.parametrize(
    ("state", "absent", "stopped", "running"),
    [
        ("started", "created", "started", "unchanged"),
        ("present", "created", "unchanged", "unchanged"),
        ("stopped", "created", "unchanged", "stopped"),
        ("restarted", "created", "started", "restarted"),
    ],
)
def test_each_state_has_its_step(state: str, absent: str, stopped: str, running: str) -> None:
    """What a state does to a container that is absent, stopped, and running."""
    found = [[], [actual(running=False)], [actual()]]
    taken = [only(plan([wanted()], there, state=state)).action for there in found]
    assert taken == [absent, stopped, running]


@pytest.mark.parametrize(
    ("state", "starts"),
    [("started", True), ("present", True), ("stopped", False), ("restarted", True)],
)
def test_only_stopped_leaves_a_new_container_down(state: str, starts: bool) -> None:
    """A container that is made comes up, unless it shall be stopped."""
    assert only(plan([wanted()], state=state)).starts is starts


def test_a_leftover_is_removed_in_every_state() -> None:
    """No state turns the removal of a leftover into something else."""
    assert [steps(plan([], [actual()], state=state)) for state in STATES] == [
        {"web": "removed"}
    ] * len(STATES)


@pytest.mark.parametrize("state", ["stopped", "restarted"])
@pytest.mark.parametrize("status", ["restarting", "paused"])
def test_what_neither_runs_nor_rests_is_stopped(state: str, status: str) -> None:
    """A crash loop and a paused process count as something to stop."""
    found = actual(running=False, status=status)
    assert only(plan([wanted()], [found], state=state)).action == state


def test_one_name_narrows_what_is_looked_at() -> None:
    """Of an owner's containers only the named one is planned for."""
    found = named([actual(wanted("web")), actual(wanted("db"))], "web", owner="us")
    assert [container.name for container in found if container.owner == "us"] == ["web"]


# The diff


def test_the_diff_of_a_creation_starts_from_nothing() -> None:
    """Before it was absent, after it runs as wanted."""
    diff = plan([wanted(memory="64m")]).diff
    assert diff.before == {"web": {"state": "absent"}}
    assert diff.after == {"web": {"state": "running", "image": "web:1", "memory": "64m"}}


def test_the_diff_of_a_removal_ends_in_nothing() -> None:
    """Before it ran as recorded, after it is absent."""
    diff = plan([], [actual()]).diff
    assert diff.before == {"web": {"state": "running", "image": "web:1"}}
    assert diff.after == {"web": {"state": "absent"}}


def test_the_diff_leaves_out_what_stays() -> None:
    """Only containers that a step touches have a line."""
    diff = plan([wanted("web"), wanted("db")], [actual(wanted("db"))]).diff
    assert set(diff.after) == {"web"}


def test_the_diff_says_why_a_container_is_made_again() -> None:
    """A moved tag shows in no option, so the reason is in the diff."""
    diff = plan([wanted()], [actual(image_id="sha256:yesterday")]).diff
    assert "another image" in diff.after["web"]["reason"]


# Laws

NAMES = st.sampled_from(["db", "web", "cache"])
SPECS = st.builds(
    wanted,
    NAMES,
    st.sampled_from(["web:1", "web:2"]),
    env=st.dictionaries(st.sampled_from(["A", "B"]), st.text("xyz", max_size=2), max_size=2),
    memory=st.none() | st.just("64m"),
    ports=st.lists(st.sampled_from(["80", "8080:80"]), max_size=2),
)
CONTAINERS = st.builds(
    lambda spec, running, moved: actual(
        spec, running=running, **({"image_id": "sha256:yesterday"} if moved else {})
    ),
    SPECS,
    st.booleans(),
    st.booleans(),
)


def by_name(values: st.SearchStrategy[t.Any]) -> st.SearchStrategy[list[t.Any]]:
    """Lists in which no name comes twice."""
    return st.lists(values, max_size=3, unique_by=lambda value: value.name)


@LAW
@given(
    specs=by_name(SPECS),
    found=by_name(CONTAINERS),
    purge=st.booleans(),
    state=st.sampled_from(LASTING),
)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    specs: list[ContainerSpec], found: list[ActualContainer], purge: bool, state: str
) -> None:
    """Planning again after the steps gives no step that changes anything."""
    after = carried_out(plan(specs, found, purge=purge, state=state), found)
    again = plan(specs, after, purge=purge, state=state)
    assert not [step for step in again.actions if step.changes]


@LAW
@given(
    specs=by_name(SPECS),
    found=by_name(CONTAINERS),
    purge=st.booleans(),
    state=st.sampled_from(STATES),
)
def test_the_diff_is_empty_exactly_when_nothing_is_done(
    specs: list[ContainerSpec], found: list[ActualContainer], purge: bool, state: str
) -> None:
    """`changed` and the steps never tell two stories."""
    planned = plan(specs, found, purge=purge, state=state)
    assert planned.diff.changed == any(step.changes for step in planned.actions)


@LAW
@given(specs=by_name(SPECS), found=by_name(CONTAINERS), state=st.sampled_from(STATES))
def test_a_purge_leaves_exactly_what_is_wanted(
    specs: list[ContainerSpec], found: list[ActualContainer], state: str
) -> None:
    """After a purging plan the containers of ours are the wanted ones."""
    after = carried_out(plan(specs, found, state=state), found)
    assert {container.name for container in after} == {spec.name for spec in specs}


@LAW
@given(specs=by_name(SPECS), found=by_name(CONTAINERS))
def test_every_touched_container_has_a_line_on_both_sides(
    specs: list[ContainerSpec], found: list[ActualContainer]
) -> None:
    """The diff's sides name the same containers."""
    diff = plan(specs, found).diff
    assert set(diff.before) == set(diff.after)
