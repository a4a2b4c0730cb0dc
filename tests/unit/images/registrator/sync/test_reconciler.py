"""One cycle makes the agent's services those of the running containers."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest
import registrator.sync.reconciler
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST,
    HOST_IP,
    agent,
    container,
    exposed,
    only,
    ours,
    published,
    reported,
    service,
    settings,
    upstreams,
)
from ansible_collections.rollcall.discovery.tests.support.registrator.clock import Clock
from ansible_collections.rollcall.discovery.tests.support.registrator.fakes import (
    FakeMetrics,
    FakeRegistry,
    FakeSource,
)
from registrator.domain.interfaces import RegistryError, SourceError
from registrator.domain.model import Container, Registered, Service
from registrator.domain.plan import CONTAINER, OWNER, registration
from registrator.sync.reconciler import Reconciler
from rollcall_common.backoff import KeyedBackoff

from ..simulation import longest

WEB, SHOP = container("web"), container("shop")


def reconciler(source: FakeSource, registry: FakeRegistry, **changes: Any) -> Reconciler:
    """The reconciler of host-1, whose clock stands."""
    backoff = KeyedBackoff(1.0, 60.0, jitter=longest)
    metrics, clock = FakeMetrics(), Clock()
    return Reconciler(source, registry, settings(**changes), HOST_IP, metrics, clock, backoff)


def later(host: Reconciler, seconds: float) -> None:
    """Let time pass."""
    assert isinstance(host.clock, Clock)
    host.clock.now += seconds


@pytest.fixture(autouse=True)
def _talkative(caplog: pytest.LogCaptureFixture) -> None:
    """Hears everything that the daemon says."""
    caplog.set_level(logging.INFO, logger="registrator")


def test_a_container_that_runs_is_registered(caplog: pytest.LogCaptureFixture) -> None:
    """The log says which container got which service, in upstream's words."""
    web, registry = container("web"), FakeRegistry()
    reconciler(FakeSource([web]), registry).cycle()
    assert list(registry.entries) == ["host-1:web:80"]
    assert caplog.messages == [f"added: {web.short_id} host-1:web:80"]


def test_a_container_that_is_gone_is_deregistered(caplog: pytest.LogCaptureFixture) -> None:
    """A ghost goes in the first cycle, whoever saw it die."""
    registry = FakeRegistry(agent(ours(service())))
    reconciler(FakeSource(), registry).cycle()
    assert registry.entries == {}
    assert caplog.messages == ["removed: host-1:web:80"]


def test_a_second_cycle_asks_for_nothing() -> None:
    """Nothing changed, nothing is sent: a resync wakes no watcher (B7)."""
    registry = FakeRegistry()
    host = reconciler(FakeSource([container()]), registry)
    host.cycle()
    registry.asked.clear()
    assert host.cycle().empty
    assert registry.asked == []


def test_a_rotated_token_takes_its_services_over() -> None:
    """Consul keeps a service in the catalog with the token it came with, which will be deleted."""
    registry = FakeRegistry(token="old")
    host = reconciler(FakeSource([WEB]), registry)
    host.cycle()
    registry.token = "new"
    host.cycle()
    host.cycle()
    assert registry.asked == ["register host-1:web:80"] * 2
    assert list(registry.entries) == ["host-1:web:80"]


def test_the_token_is_read_once_a_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is rotated meanwhile cannot part what is compared from what is written."""
    registry, tokens = FakeRegistry(), iter(["first", "second", "first"])
    monkeypatch.setattr(registry, "token_fingerprint", lambda: next(tokens))
    host = reconciler(FakeSource([WEB]), registry)
    host.cycle()
    assert next(tokens) == "second"
    assert registry.entries == agent(reported(registration(only(WEB), HOST, "first").body))
    assert host.cycle().empty


def test_a_new_host_port_replaces_the_old_one() -> None:
    """After a restart the service points to where the container is now (B2)."""
    source, registry = FakeSource([container("web", published(80, on=32768))]), FakeRegistry()
    host = reconciler(source, registry)
    host.cycle()
    source.containers = [container("web", published(80, on=32769))]
    host.cycle()
    assert [entry.port for entry in registry.entries.values()] == [32769]


def test_a_renamed_container_changes_its_service() -> None:
    """The new name is registered before the old one goes."""
    source, registry = FakeSource([container("web")]), FakeRegistry()
    host = reconciler(source, registry)
    host.cycle()
    registry.asked.clear()
    source.containers = [container("shop")]
    host.cycle()
    assert registry.asked == ["register host-1:shop:80", "deregister host-1:web:80"]


def test_an_agent_that_forgot_is_told_again() -> None:
    """A Consul agent that lost its state gets every service back (B7)."""
    registry = FakeRegistry()
    host = reconciler(FakeSource([container("web"), container("shop")]), registry)
    host.cycle()
    registry.entries.clear()
    host.cycle()
    assert set(registry.entries) == {"host-1:web:80", "host-1:shop:80"}


def test_a_container_that_is_being_stopped_is_left_out() -> None:
    """A draining container still runs and is no longer found (B10)."""
    web, shop, registry = container("web"), container("shop"), FakeRegistry()
    host = reconciler(FakeSource([web, shop]), registry)
    host.cycle()
    host.cycle(draining=frozenset({web.id}))
    assert set(registry.entries) == {"host-1:shop:80"}


def test_a_silent_engine_changes_nothing() -> None:
    """Who does not answer has not said that nothing runs."""
    registry = FakeRegistry(agent(ours(service())))
    with pytest.raises(SourceError):
        reconciler(FakeSource(silent=True), registry).cycle()
    assert registry.asked == []


def test_a_silent_agent_changes_nothing() -> None:
    """An agent that cannot be asked is sent nothing."""
    registry = FakeRegistry(silent=True)
    with pytest.raises(RegistryError):
        reconciler(FakeSource([container()]), registry).cycle()
    assert registry.asked == []


def test_a_refused_service_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The agent refuses one body, the other is registered, and the log names the refused one."""
    registry = FakeRegistry(refuses={"host-1:web:80"})
    reconciler(FakeSource([WEB, SHOP]), registry).cycle()
    assert list(registry.entries) == ["host-1:shop:80"]
    assert f"refused: {WEB.short_id} host-1:web:80: 400 Invalid check" in caplog.messages


def test_a_refused_service_was_not_applied() -> None:
    """A cycle returns what was applied, and a refused service was not."""
    registry = FakeRegistry(refuses={"host-1:web:80"})
    assert reconciler(FakeSource([WEB]), registry).cycle().register == ()


def test_a_refused_service_is_tried_again_later_and_told_once() -> None:
    """A refusal may be cured at the agent; until then it is not asked at every cycle."""
    registry = FakeRegistry(refuses={"host-1:web:80"})
    host = reconciler(FakeSource([WEB]), registry)
    host.cycle()
    host.cycle()
    assert len(registry.asked) == 1
    later(host, 2)
    host.cycle()
    assert len(registry.asked) == 2
    assert isinstance(host.metrics, FakeMetrics)
    assert host.metrics.of("refused") == [()]


def test_another_body_is_tried_at_once() -> None:
    """What was refused was the body: a container with another one does not wait."""
    source, registry = FakeSource([WEB]), FakeRegistry(refuses={"host-1:web:80"})
    host = reconciler(source, registry)
    host.cycle()
    registry.refuses.clear()
    source.containers = [container("web", published(80, on=32999))]
    assert len(host.cycle().register) == 1


def test_a_refused_deregistration_costs_the_others_nothing() -> None:
    """A ghost that may not be removed keeps no other ghost alive."""
    ghosts = agent(ours(service("host-1:stuck:80")), ours(service("host-1:ghost:80")))
    registry = FakeRegistry(ghosts, refuses={"host-1:stuck:80"})
    assert reconciler(FakeSource(), registry).cycle().deregister == ("host-1:ghost:80",)


def test_a_service_that_fails_costs_the_others_nothing() -> None:
    """One body that the agent always fails at is trouble, and the others are served."""
    ghost = agent(ours(service("host-1:ghost:80")))
    registry = FakeRegistry(ghost, fails={"host-1:web:80"})
    with pytest.raises(RegistryError, match="No cluster leader"):
        reconciler(FakeSource([WEB, SHOP]), registry).cycle()
    assert set(registry.entries) == {"host-1:shop:80"}


def test_an_agent_that_fails_at_everything_is_not_asked_for_everything() -> None:
    """An outage in the middle of a cycle is not waited out a hundred times."""
    many = [container(f"{number:03}-part") for number in range(100)]
    registry = FakeRegistry(fails={f"host-1:{entry.name}:80" for entry in many})
    with pytest.raises(RegistryError):
        reconciler(FakeSource(many), registry).cycle()
    assert len(registry.asked) < 10


def test_a_mistake_while_writing_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is no success; the loop says where it was."""
    host = reconciler(FakeSource([WEB]), FakeRegistry())
    monkeypatch.setattr(host.registry, "register", {}.__getitem__)
    with pytest.raises(TypeError):
        host.cycle()


def test_what_was_written_before_a_failure_is_counted_after_it() -> None:
    """The metrics miss nothing: a failed cycle's writes are the next one's."""
    registry = FakeRegistry(fails={"host-1:web:80"})
    host = reconciler(FakeSource([WEB, SHOP]), registry)
    with pytest.raises(RegistryError):
        host.cycle()
    registry.fails.clear()
    host.cycle()
    assert isinstance(host.metrics, FakeMetrics)
    assert host.metrics.of("cycle") == [(2, 0, 2, 2)]


def test_an_ignored_container_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """The log says why a container is no service, once and not at every cycle."""
    web = container("web", exposed(80))
    host = reconciler(FakeSource([web]), FakeRegistry())
    host.cycle()
    host.cycle()
    assert caplog.messages == [f"ignored: {web.short_id} port 80 not published on host"]


def test_one_containers_odd_words_cost_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should a container not be understood at all, it keeps what it has and its host goes on."""
    derive = registrator.sync.reconciler.services_of

    def stumbles(entry: Container, *more: Any) -> Any:
        if entry.name == "odd":
            raise ValueError("what is that?")
        return derive(entry, *more)

    monkeypatch.setattr("registrator.sync.reconciler.services_of", stumbles)
    odd = container("odd")
    registry = FakeRegistry(agent(ours(only(odd))))
    reconciler(FakeSource([odd, WEB]), registry).cycle()
    assert set(registry.entries) == {"host-1:odd:80", "host-1:web:80"}


# Containers that cannot be read.


BROKEN = SourceError("Docker: 500 device or resource busy")


def test_a_container_that_cannot_be_read_keeps_its_services() -> None:
    """Only "not found" means gone; its neighbours come and go as ever."""
    source, registry = FakeSource([WEB, SHOP]), FakeRegistry()
    host = reconciler(source, registry)
    host.cycle()
    source.broken = {WEB.id: BROKEN}
    source.containers = [WEB, container("new")]
    host.cycle()
    assert set(registry.entries) == {"host-1:web:80", "host-1:new:80"}


def test_a_container_that_cannot_be_read_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """The log and the metrics have it once, and it is tried ever more rarely."""
    source = FakeSource([WEB, SHOP], broken={WEB.id: BROKEN})
    host = reconciler(source, FakeRegistry())
    for second in range(100):
        host.cycle()
        later(host, 1 + second % 2)
    assert source.asked.count(WEB.id) < 10
    assert f"unread: {WEB.short_id} {BROKEN}" in caplog.messages
    assert isinstance(host.metrics, FakeMetrics)
    assert host.metrics.of("error") == [("container",)]


def test_a_container_that_can_be_read_again_is_as_ever() -> None:
    """Its backoff brings it back."""
    source, registry = FakeSource([WEB, SHOP], broken={WEB.id: BROKEN}), FakeRegistry()
    host = reconciler(source, registry)
    host.cycle()
    source.broken.clear()
    later(host, 2)
    host.cycle()
    assert "host-1:web:80" in registry.entries


def test_if_nobody_can_be_read_it_is_the_engine() -> None:
    """Then the whole cycle has failed."""
    source = FakeSource([WEB, SHOP], broken={WEB.id: BROKEN, SHOP.id: BROKEN})
    with pytest.raises(SourceError, match="busy"):
        reconciler(source, FakeRegistry()).cycle()


def test_upstreams_services_stay_while_anybody_cannot_be_read() -> None:
    """Without a mark nobody can say whose they are."""
    registry = FakeRegistry(agent(upstreams(service("host-1:ghost:80"))))
    source = FakeSource([WEB, SHOP], broken={WEB.id: BROKEN})
    host = reconciler(source, registry)
    host.cycle()
    assert "host-1:ghost:80" in registry.entries
    source.broken.clear()
    later(host, 2)
    host.cycle()
    assert "host-1:ghost:80" not in registry.entries


def test_an_agent_that_never_answers_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that hangs does not hang the daemon."""
    monkeypatch.setattr("registrator.sync.reconciler._TIMEOUT_SECONDS", 0.01)
    registry, answers = FakeRegistry(), threading.Event()
    monkeypatch.setattr(registry, "services", answers.wait)
    with pytest.raises(RegistryError, match="no answer"):
        reconciler(FakeSource([WEB]), registry).cycle()
    answers.set()


# Looking at some.


def test_a_quick_look_changes_nobody_else() -> None:
    """What was not looked at is neither registered nor deregistered."""
    source, registry = FakeSource([WEB]), FakeRegistry()
    host = reconciler(source, registry)
    host.cycle()
    registry.entries["host-1:ghost:80"] = marked(service("host-1:ghost:80", container="f" * 12))
    registry.asked.clear()
    source.asked.clear()
    source.containers = [WEB, SHOP]
    host.cycle(touched=frozenset({SHOP.id}))
    assert registry.asked == ["register host-1:shop:80"]
    assert source.asked == [SHOP.id]


def test_the_first_look_is_at_all() -> None:
    """Before everything was listed once, nothing is known of the others."""
    registry = FakeRegistry()
    reconciler(FakeSource([WEB, SHOP]), registry).cycle(touched=frozenset({SHOP.id}))
    assert len(registry.entries) == 2


def test_a_quick_look_at_what_cannot_be_read_is_one_at_all() -> None:
    """An unread container keeps its services there too."""
    source, registry = FakeSource([WEB, SHOP]), FakeRegistry()
    host = reconciler(source, registry)
    host.cycle()
    source.broken = {WEB.id: BROKEN}
    host.cycle(touched=frozenset({WEB.id, SHOP.id}))
    assert len(registry.entries) == 2


def test_a_quick_look_leaves_nothing_of_upstreams_behind() -> None:
    """An adopted service that bears no mark goes with its container all the same."""
    source, registry = FakeSource([WEB]), FakeRegistry(agent(upstreams(only(WEB))))
    host = reconciler(source, registry)
    host.cycle()
    assert registry.asked == []
    source.containers = []
    host.cycle(touched=frozenset({WEB.id}))
    assert registry.entries == {}


def test_who_joined_a_network_is_looked_at_with_its_owner() -> None:
    """A sidecar's address is its main container's: when that one moves, the sidecar moves."""
    side = container("side", network_mode=f"container:{WEB.id}")
    source = FakeSource([WEB, side])
    host = reconciler(source, FakeRegistry())
    host.cycle()
    source.asked.clear()
    host.cycle(touched=frozenset({WEB.id}))
    assert set(source.asked) == {WEB.id, side.id}


# Whose a service is.


def marked(entry: Service, owner: str = HOST) -> Registered:
    """A service with both of our marks."""
    return ours(entry, owner)


def test_a_new_host_name_leaves_no_duplicates() -> None:
    """The daemon's host has another name now: the old services go, the new ones stand (B4)."""
    before = ours(only(WEB, hostname="c0ffee"), owner="c0ffee")
    registry = FakeRegistry(agent(before))
    reconciler(FakeSource([WEB]), registry).cycle()
    assert registry.asked == ["register host-1:web:80", "deregister c0ffee:web:80"]
    assert registry.entries["host-1:web:80"].meta[OWNER] == HOST


def test_another_daemons_services_are_left_alone() -> None:
    """Another owner's mark and a container that does not run here: not ours."""
    other = service("host-2:web:80", container="f" * 12)
    registry = FakeRegistry(agent(ours(other, owner="host-2")))
    reconciler(FakeSource([WEB]), registry).cycle()
    assert "host-2:web:80" in registry.entries


def test_a_service_knows_its_container() -> None:
    """The mark is the identifier that log lines carry."""
    registry = FakeRegistry()
    reconciler(FakeSource([WEB]), registry).cycle()
    assert registry.entries["host-1:web:80"].meta[CONTAINER] == WEB.short_id


def test_two_containers_with_one_identifier_do_not_take_turns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The one that stands keeps it, the other is told of, and takes over when it may."""
    one = container("one", labels={"SERVICE_ID": "shop"})
    two = container("two", published(80, on=32999), labels={"SERVICE_ID": "shop"})
    source, registry = FakeSource([two]), FakeRegistry()
    host = reconciler(source, registry)
    host.cycle()
    source.containers = [one, two]
    host.cycle(touched=frozenset({one.id}))
    host.cycle()
    assert registry.asked == ["register shop"]
    assert f"ignored: {one.short_id} shop is already used by another container" in caplog.messages
    source.containers = [one]
    host.cycle(touched=frozenset({two.id}))
    host.cycle()
    assert registry.entries["shop"].port == 32768


# Ends.


def test_an_engine_that_does_not_tell_an_exit_code_keeps_the_service() -> None:
    """With -deregister=on-success only a known end is an end; it is asked for again."""
    source, registry = FakeSource([WEB, SHOP]), FakeRegistry()
    host = reconciler(source, registry, deregister="on-success")
    host.cycle()
    source.containers = [SHOP]
    source.broken = {WEB.short_id: BROKEN}
    host.cycle()
    host.cycle()
    assert "host-1:web:80" in registry.entries
    source.broken.clear()
    later(host, 2)
    host.cycle()
    assert "host-1:web:80" not in registry.entries


def test_on_success_knows_upstreams_services_by_their_containers_name() -> None:
    """After a swap, what failed before it stays as upstream left it."""
    registry = FakeRegistry(agent(upstreams(service("host-1:job:80"))))
    host = reconciler(FakeSource([WEB], codes={"job": 1}), registry, deregister="on-success")
    host.cycle()
    assert "host-1:job:80" in registry.entries


def test_withdrawing_takes_all_that_is_ours() -> None:
    """Whoever ends for good leaves nobody's services but his own."""
    postgres = upstreams(service("postgres"))
    registry = FakeRegistry(agent(postgres))
    host = reconciler(FakeSource([WEB, SHOP]), registry)
    host.cycle()
    host.deregister_all()
    assert set(registry.entries) == {"postgres"}
    with pytest.raises(RegistryError, match="the daemon is stopping"):
        host.cycle()


def test_a_withdrawal_that_fails_is_an_error() -> None:
    """What stays registered is said."""
    registry = FakeRegistry()
    host = reconciler(FakeSource([WEB]), registry)
    host.cycle()
    registry.fails = {"host-1:web:80"}
    with pytest.raises(RegistryError):
        host.deregister_all()


# Docker's HEALTHCHECK.


def test_a_containers_health_is_told_when_it_changes_and_in_time() -> None:
    """A TTL check is updated at once, on every change, and three times within its TTL."""
    healthy, ill = container("web", health="healthy"), container("web", health="unhealthy")
    source, registry = FakeSource([healthy]), FakeRegistry()
    host = reconciler(source, registry, docker_health=True)
    host.cycle()
    host.cycle()
    source.containers = [ill]
    host.cycle(touched=frozenset({ill.id}))
    due = host.due()
    assert due is not None
    later(host, due - host.clock())
    host.cycle()
    check = "service:host-1:web:80"
    assert registry.checks == [(check, "passing"), (check, "critical"), (check, "critical")]
    assert registry.asked.count("register host-1:web:80") == 1


def test_a_service_that_is_registered_anew_is_told_its_health_at_once() -> None:
    """An agent that lost everything has a check that knows nothing."""
    source, registry = FakeSource([container("web", health="healthy")]), FakeRegistry()
    host = reconciler(source, registry, docker_health=True)
    host.cycle()
    registry.entries.clear()
    host.cycle()
    assert len(registry.checks) == 2


def test_a_check_that_is_not_there_is_told_once_and_tried_again() -> None:
    """Somebody removed the check: that is a refusal like any other."""
    source, registry = FakeSource([container("web", health="healthy")]), FakeRegistry()
    registry.refuses = {"service:host-1:web:80"}
    host = reconciler(source, registry, docker_health=True)
    host.cycle()
    host.cycle()
    assert registry.asked.count("update service:host-1:web:80") == 1
    registry.refuses.clear()
    later(host, 2)
    host.cycle()
    assert registry.checks == [("service:host-1:web:80", "passing")]


def test_without_the_flag_no_check_is_fed() -> None:
    """-docker-health is off unless it is asked for."""
    source, registry = FakeSource([container("web", health="healthy")]), FakeRegistry()
    host = reconciler(source, registry)
    host.cycle()
    assert registry.checks == []
    assert host.due() is None
