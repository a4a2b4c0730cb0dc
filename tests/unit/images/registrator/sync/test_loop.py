"""Events nudge the daemon, a resync corrects it, an outage is waited out."""

from __future__ import annotations

import dataclasses
import itertools
import logging

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    an_id,
    container,
    published,
)
from hypothesis import given
from hypothesis import strategies as st
from registrator.domain.interfaces import RegistryError

from ..simulation import Host, happened, killed

WEB = container("web")
SHOP = container("shop")
WEB_ID, SHOP_ID = "host-1:web:80", "host-1:shop:80"


@pytest.fixture(autouse=True)
def _talkative(caplog: pytest.LogCaptureFixture) -> None:
    """Hears everything that the daemon says."""
    caplog.set_level(logging.INFO, logger="registrator")


# Looking.


def test_nothing_is_looked_at_before_the_subscription_stands() -> None:
    """What starts right after a list that came too early would be unseen for ever (B1)."""
    host = Host(WEB)
    host.script.get()
    host.at(5, host.starts(WEB), host.daemon.wake).at(60, ("subscribed", "", {}))
    assert host.until(59).cycles == []
    assert host.until(61).ids == [WEB_ID]


def test_an_event_makes_the_daemon_look_at_one_container() -> None:
    """A container that starts is registered without a look at its neighbours."""
    host = Host(SHOP)
    host.at(5, host.starts(WEB)).until(6)
    assert host.ids == [SHOP_ID, WEB_ID]
    assert [cycle.touched for cycle in host.cycles] == [None, {WEB.id}]
    assert host.source.asked == [SHOP.id, WEB.id]


def test_an_event_is_answered_within_the_quiet_period() -> None:
    """Nobody waits for a burst that does not come."""
    host = Host()
    host.at(5, host.starts(WEB)).until(6)
    assert host.cycles[1].at == pytest.approx(5.005)


def test_an_event_that_names_nobody_makes_the_daemon_look_at_all() -> None:
    """Something happened, and a look at everything tells what."""
    host = Host()
    host.at(5, host.starts(WEB, heard=False), ("start", "", {})).until(6)
    assert host.ids == [WEB_ID]


def test_a_burst_is_one_look() -> None:
    """A compose project that comes up is reconciled once, not once for each container."""
    project = [container(f"{number:03}-part") for number in range(10)]
    host = Host()
    for number, entry in enumerate(project):
        host.at(5 + number * 0.004, host.starts(entry))
    host.until(6)
    assert [cycle.touched for cycle in host.cycles] == [None, {entry.id for entry in project}]
    assert len(host.ids) == 10


def test_a_burst_without_an_end_is_looked_at_all_the_same() -> None:
    """Nobody waits longer than the maximum for it to be quiet."""
    host = Host()
    for number in range(100):
        host.at(5 + number * 0.004, host.starts(container(f"{number:03}-part")))
    host.until(6)
    looks = [cycle.at for cycle in host.cycles]
    assert looks[1] == pytest.approx(5.05, abs=0.005)
    assert max(after - before for before, after in itertools.pairwise(looks[1:])) < 0.06
    assert len(host.ids) == 100


def test_an_idle_daemon_writes_nothing() -> None:
    """Five minutes of resyncs send not a single request that changes anything (B7)."""
    host = Host(WEB, SHOP, resync=10)
    host.until(1)
    host.registry.asked.clear()
    host.until(3600)
    assert host.registry.asked == []
    assert len(host.cycles) == 360


def test_without_a_resync_an_idle_daemon_does_nothing() -> None:
    """-resync=0 is upstream's never."""
    assert len(Host(WEB, resync=0).until(3600).cycles) == 1


def test_a_resync_is_not_put_off_by_events() -> None:
    """A host where something happens every second is looked at in full all the same."""
    host = Host(WEB, resync=10)
    for second in range(60):
        host.at(second + 0.5, happened("health_status", WEB))
    host.until(60)
    assert len([cycle for cycle in host.cycles if cycle.touched is None]) == 6


def test_lost_events_are_healed_by_the_resync() -> None:
    """A start and an end that nobody heard of are found within the resync (B1)."""
    host = Host(WEB, resync=10)
    host.at(3, host.dies(WEB, heard=False), host.starts(SHOP, heard=False)).until(9)
    assert host.ids == [WEB_ID]
    assert host.until(11).ids == [SHOP_ID]


def test_a_new_subscription_lists_everything() -> None:
    """What happened while nobody listened is found by the look after the stream was reopened."""
    host = Host()
    host.at(3, host.starts(WEB, heard=False)).at(4, ("subscribed", "", {})).until(5)
    assert host.ids == [WEB_ID]


def test_a_hangup_is_a_resync_now() -> None:
    """SIGHUP looks at everything at once."""
    host = Host()
    host.at(3, host.starts(WEB, heard=False)).at(4, host.daemon.wake).until(5)
    assert host.ids == [WEB_ID]


def test_the_last_success_is_known() -> None:
    """One can tell how long ago the agent was right."""
    assert Host(WEB).until(5).daemon.last_success == pytest.approx(1000.005)


# The order of events.


def test_start_die_start_ends_with_the_last() -> None:
    """A container that is restarted stands with the port it has now (B2)."""
    again = dataclasses.replace(WEB, ports=(published(80, on=32999),))
    host = Host()
    host.at(3, host.starts(WEB), host.dies(WEB), host.starts(again)).until(4)
    assert host.one.port == 32999
    assert len(host.cycles) == 2


def test_slow_start_die_start_ends_with_the_last() -> None:
    """The same with time to register in between: the old port does not stay."""
    again = dataclasses.replace(WEB, ports=(published(80, on=32999),))
    host = Host()
    host.at(3, host.starts(WEB)).at(4, host.dies(WEB)).at(5, host.starts(again)).until(6)
    assert host.one.port == 32999
    assert host.registry.asked == [f"{what} {WEB_ID}" for what in ("register", "deregister")] + [
        f"register {WEB_ID}"
    ]


def test_a_container_is_replaced_by_one_of_its_name() -> None:
    """Compose recreates: the late end of the old one does not take the new one out."""
    new = dataclasses.replace(WEB, id=an_id("new"), ports=(published(80, on=32999),))
    host = Host(WEB)
    host.at(3, host.dies(WEB, heard=False), host.starts(new))
    host.at(4, happened("die", WEB), happened("destroy", WEB)).until(5)
    assert host.one.port == 32999


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["starts", "dies", "kill", "pause", "unpause"]),
        st.sampled_from([WEB, SHOP]),
        st.integers(1, 9999),
        st.floats(0, 30),
        st.booleans(),
    ),
    max_size=12,
)


@given(_STEPS)
def test_whatever_happens_the_agent_tells_the_truth_in_the_end(
    steps: list[tuple[str, object, int, float, bool]],
) -> None:
    """Any starts, ends, signals and pauses, some of them unheard: a resync later all is right."""
    host = Host(resync=10)

    def change(entry: object, port: int) -> None:
        assert isinstance(entry, type(WEB))
        host.starts(dataclasses.replace(entry, ports=(published(80, on=port),)), heard=False)()

    for action, entry, port, at, heard in steps:
        assert isinstance(entry, type(WEB))
        if action == "dies":
            host.at(at, host.dies(entry, heard=heard))
        elif action == "starts":
            host.at(at, lambda entry=entry, port=port: change(entry, port))
            if heard:
                host.at(at, happened("start", entry))
        elif heard:
            host.at(at, killed(entry) if action == "kill" else happened(action, entry))
    host.until(60)
    assert {key: entry.port for key, entry in host.registry.entries.items()} == {
        f"host-1:{entry.name}:80": entry.ports[0].binding.host_port
        for entry in host.source.containers
        if entry.ports[0].binding
    }


# Draining.


@pytest.mark.parametrize("number", ["15", "SIGTERM", "9", "3", "SIGQUIT", "2"])
def test_a_container_that_is_told_to_stop_is_taken_out(number: str) -> None:
    """Clients stop coming before the container exits, not after (B10)."""
    host = Host(WEB, SHOP)
    host.at(3, killed(WEB, number)).until(3.1)
    assert host.ids == [SHOP_ID]
    assert host.metrics.of("draining") == [(1,)]


@pytest.mark.parametrize("number", ["1", "SIGHUP", "10", "12", "28", "", "nonsense"])
def test_a_signal_that_reloads_takes_nobody_out(number: str) -> None:
    """SIGHUP and the user's signals are not a container's end, and not even worth a look."""
    host = Host(WEB)
    host.at(3, killed(WEB, number)).until(4)
    assert host.ids == [WEB_ID]
    assert len(host.cycles) == 1


def test_a_containers_own_stop_signal_takes_it_out() -> None:
    """httpd is stopped by SIGWINCH: that is its end as SIGTERM is another's."""
    host = Host(container("web", stop_signal="SIGWINCH"))
    assert host.at(3, killed(WEB, "28")).until(4).ids == []


def test_a_draining_container_is_not_asked() -> None:
    """An engine that is busy stopping a container does not delay taking it out."""
    host = Host(WEB)
    host.until(1)
    host.source.asked.clear()
    host.at(3, killed(WEB)).until(4)
    assert host.source.asked == []


def test_a_restarted_container_comes_back() -> None:
    """The start after a stop ends the draining at once."""
    host = Host(WEB)
    host.at(3, killed(WEB)).at(4, host.dies(WEB)).at(5, host.starts(WEB)).until(6)
    assert host.ids == [WEB_ID]


def test_a_container_that_survives_its_signal_comes_back() -> None:
    """After its grace a container that still runs was not being stopped, resync or none."""
    host = Host(WEB)
    host.at(3, killed(WEB))
    assert host.until(14.9).ids == []
    assert host.until(15.1).ids == [WEB_ID]


@pytest.mark.parametrize(
    ("grace", "back", "resync"), [(60.0, 65.1, 10), (0.0, 5.1, 0), (float("inf"), 3603.1, 0)]
)
def test_a_containers_own_grace_is_respected(grace: float, back: float, resync: float) -> None:
    """A container that may take a minute to stop stays out for that minute, resyncs or none."""
    host = Host(container("web", stop_timeout=grace), resync=resync)
    host.at(3, killed(WEB))
    assert host.until(back - 0.2).ids == []
    assert host.until(back).ids == [WEB_ID]


def test_a_paused_container_is_taken_out_and_comes_back() -> None:
    """Nobody is sent to a container that does not answer."""
    host = Host(WEB)
    paused = dataclasses.replace(WEB, paused=True)
    host.at(3, host.starts(paused, heard=False), happened("pause", WEB))
    assert host.until(4).ids == []
    host.at(5, host.starts(WEB, heard=False), happened("unpause", WEB))
    assert host.until(6).ids == [WEB_ID]


# -deregister=on-success.


@pytest.mark.parametrize("code", [1, 3, 127])
def test_on_success_keeps_what_failed(code: int) -> None:
    """A container that failed stays, for its check to alarm, until it is removed."""
    host = Host(WEB, deregister="on-success", resync=10)
    host.at(3, host.dies(WEB, code)).until(60)
    assert host.ids == [WEB_ID]
    assert host.at(61, host.removed(WEB)).until(62).ids == []


@pytest.mark.parametrize("code", [0, 137, 143, 255])
def test_on_success_removes_what_ended_or_was_stopped(code: int) -> None:
    """An end without failure, or by a signal, is an end."""
    host = Host(WEB, deregister="on-success")
    assert host.at(3, host.dies(WEB, code)).until(4).ids == []


def test_on_success_a_failed_container_that_starts_again_is_as_ever() -> None:
    """The service points to where the container is now."""
    again = dataclasses.replace(WEB, ports=(published(80, on=32999),))
    host = Host(WEB, deregister="on-success")
    host.at(3, host.dies(WEB, 1)).at(4, host.starts(again)).until(5)
    assert host.one.port == 32999


def test_always_removes_what_failed() -> None:
    """Upstream's default."""
    host = Host(WEB)
    assert host.at(3, host.dies(WEB, 1)).until(4).ids == []


# Outages.


def waits(*messages: str) -> list[str]:
    """What was said of trouble."""
    return [text for text in messages if text.startswith(("waiting", "recovered"))]


def test_an_outage_is_told_once_and_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """Consul is away for a minute: two lines, and the services stand soon after."""
    host = Host(WEB)
    host.registry.silent = True
    host.at(60, lambda: setattr(host.registry, "silent", False)).until(62.1)
    assert host.ids == [WEB_ID]
    assert waits(*caplog.messages) == [
        "waiting: Consul is silent",
        "recovered: 1 registered, 0 deregistered",
    ]
    assert set(host.metrics.of("error")) == {("consul",)}
    assert len(host.cycles) < 40


def test_the_same_outage_in_other_words_is_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that names its objects by their place in memory does not fill the log."""
    host = Host(WEB)
    attempts = itertools.count()

    def away() -> None:
        raise RegistryError(f"<Connection object at 0x7f{next(attempts):x}>: refused")

    monkeypatch.setattr(host.registry, "services", away)
    host.until(60)
    assert next(attempts) > 20
    assert waits(*caplog.messages) == ["waiting: <Connection object>: refused"]


def test_events_in_an_outage_are_kept_and_hurry_nobody() -> None:
    """A storm of events does not become a storm of requests, and none of them is lost."""
    host = Host(resync=0)
    host.registry.silent = True
    for number in range(200):
        host.at(1 + number / 10, host.starts(container(f"{number:03}-part")))
    host.at(25, lambda: setattr(host.registry, "silent", False)).until(28)
    assert len(host.cycles) < 25
    assert len(host.ids) == 200


def test_an_agent_that_is_back_without_a_leader_is_not_written_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It would hold the write for seconds and answer nobody; once there is a leader, all stands."""
    host = Host(WEB, resync=60)

    def back() -> None:
        host.registry.silent = host.registry.led = False
        host.registry.entries.clear()

    host.at(5, lambda: setattr(host.registry, "silent", True)).at(10, back).until(40)
    assert host.registry.asked == [f"register {WEB_ID}"]
    host.at(40, lambda: setattr(host.registry, "led", True)).until(42.5)
    assert host.ids == [WEB_ID]
    assert waits(*caplog.messages) == [
        "waiting: Consul is silent",
        "waiting: Consul has no cluster leader",
        "recovered: 1 registered, 0 deregistered",
    ]


def test_without_a_leader_nobody_waits_who_was_not_away() -> None:
    """What starts while the others elect is written all the same."""
    host = Host(WEB)
    host.registry.led = False
    host.at(5, host.starts(SHOP)).until(10)
    assert host.ids == [SHOP_ID, WEB_ID]


def test_what_checks_find_after_an_outage_is_passed_on() -> None:
    """An agent that was away is slow to tell the catalog, but not of what is registered."""
    host = Host(WEB, resync=10)
    registered = f"register {WEB_ID}"
    host.registry.found = {WEB_ID: "critical", "host-1:other:80": "critical"}
    host.at(5, lambda: setattr(host.registry, "silent", True))
    host.at(8, lambda: setattr(host.registry, "silent", False)).until(14)
    assert host.registry.asked == [registered] * 2
    host.at(15, lambda: host.registry.found.update({WEB_ID: "passing"})).until(30)
    assert host.registry.asked == [registered] * 3
    host.at(60, lambda: host.registry.found.update({WEB_ID: "critical"})).until(90)
    assert host.registry.asked == [registered] * 3


def test_a_cluster_without_a_leader_is_no_reason_to_register_again() -> None:
    """A new leader has enough to do without every service of every host."""
    host = Host(WEB, resync=10)
    host.registry.found = {WEB_ID: "passing"}
    host.registry.fails = {SHOP_ID}
    host.at(5, host.starts(SHOP)).at(20, host.registry.fails.clear).until(60)
    assert host.registry.asked.count(f"register {WEB_ID}") == 1


def test_a_silent_engine_takes_nobody_out() -> None:
    """Docker restarts: until it answers everything stays as it is."""
    host = Host(WEB, resync=10)
    host.at(3, lambda: setattr(host.source, "silent", True)).until(60)
    assert host.ids == [WEB_ID]
    assert ("docker",) in host.metrics.of("error")


def test_a_mistake_of_ours_ends_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw is logged with its place, and tried again."""
    host = Host(WEB)

    def wrong() -> None:
        raise KeyError("nobody foresaw this")

    with monkeypatch.context() as patch:
        patch.setattr(host.registry, "services", wrong)
        host.until(5)
    host.until(10)
    assert host.ids == [WEB_ID]
    assert any(record.exc_info for record in caplog.records)
    assert ("internal",) in host.metrics.of("error")


def test_an_agent_that_lost_everything_is_told_again_before_the_resync() -> None:
    """Consul was restarted empty and nobody was told: two seconds later all is back (B7)."""
    host = Host(WEB, SHOP, resync=60)
    host.at(5, lambda: host.registry.entries.clear()).until(8)
    assert host.ids == [SHOP_ID, WEB_ID]


def test_an_outage_between_two_looks_is_noticed() -> None:
    """An agent that went away and came back empty is known without any event."""
    host = Host(WEB, resync=60)

    def back() -> None:
        host.registry.silent = False
        host.registry.entries.clear()

    host.at(5, lambda: setattr(host.registry, "silent", True)).at(10, back).until(12.5)
    assert host.ids == [WEB_ID]


# Refusals.


def refusals(*messages: str) -> list[str]:
    """What was said of refusals."""
    return [text for text in messages if text.startswith("refused")]


def test_a_refused_service_is_told_once_and_tried_ever_more_rarely(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An hour of a body that Consul does not take: some sixty requests, one line, one count."""
    host = Host(WEB)
    host.registry.refuses = {WEB_ID}
    host.until(3600)
    assert 50 < len(host.registry.asked) < 75
    assert refusals(*caplog.messages) == [f"refused: {WEB.short_id} {WEB_ID}: 400 Invalid check"]
    assert host.metrics.of("refused") == [()]


def test_a_refused_service_is_tried_again_without_a_resync() -> None:
    """A refusal may be cured at the agent: its backoff alone brings the service back."""
    host = Host(WEB, SHOP)
    host.registry.refuses = {WEB_ID}
    host.at(10, host.registry.refuses.clear)
    assert host.until(9).ids == [SHOP_ID]
    assert host.until(30).ids == [SHOP_ID, WEB_ID]


def test_a_hangup_tries_what_was_refused() -> None:
    """Whoever mended the agent need not wait for a backoff."""
    host = Host(WEB)
    host.registry.refuses = {WEB_ID}
    host.at(1000, host.registry.refuses.clear, host.daemon.wake).until(1000.1)
    assert host.ids == [WEB_ID]


def test_a_refused_deregistration_is_put_off_too() -> None:
    """A ghost that may not be removed costs its neighbours nothing."""
    host = Host(WEB, SHOP, resync=10)
    host.until(1)
    host.registry.refuses = {WEB_ID}
    host.at(3, host.dies(WEB), host.dies(SHOP)).until(600)
    assert host.ids == [WEB_ID]
    assert host.registry.asked.count(f"deregister {WEB_ID}") < 20
    assert host.metrics.of("refused") == [()]


def test_a_ttl_update_is_due_without_an_event() -> None:
    """Docker's HEALTHCHECK is told to the agent in time, resync or none."""
    host = Host(container("web", health="healthy"), docker_health=True)
    host.until(60)
    assert 6 <= len(host.registry.checks) <= 9


def test_what_nobody_wants_any_more_is_not_tried_for_ever() -> None:
    """A refused service whose container ended wakes nobody."""
    host = Host(WEB)
    host.registry.refuses = {WEB_ID}
    host.at(5, host.dies(WEB)).until(600)
    assert len(host.cycles) < 10
    assert host.reconciler.due() is None
