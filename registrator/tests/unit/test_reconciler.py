"""One cycle makes the agent's services those of the running containers."""

from __future__ import annotations

import logging

import pytest
from registrator.ports import RegistryError, SourceError
from registrator.reconciler import Reconciler

from .builders import HOST_IP, agent, container, exposed, ours, published, service, settings
from .fakes import FakeRegistry, FakeSource


def reconciler(source: FakeSource, registry: FakeRegistry) -> Reconciler:
    """The reconciler of host-1."""
    return Reconciler(source, registry, settings(), HOST_IP)


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
    web, registry = container("web"), FakeRegistry(refuses="host-1:web:80")
    reconciler(FakeSource([web, container("shop")]), registry).cycle()
    assert list(registry.entries) == ["host-1:shop:80"]
    assert f"refused: {web.short_id} host-1:web:80: 400 Invalid check" in caplog.messages


def test_a_refused_service_is_tried_again_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A refusal may be cured at the agent; until then it does not fill the log."""
    registry = FakeRegistry(refuses="host-1:web:80")
    host = reconciler(FakeSource([container("web")]), registry)
    host.cycle()
    host.cycle()
    assert len(caplog.messages) == 1
    registry.refuses = ""
    host.cycle()
    assert list(registry.entries) == ["host-1:web:80"]


@pytest.mark.xfail(strict=True, reason="the plan is returned as if nothing had been refused")
def test_a_refused_service_was_not_applied() -> None:
    """A cycle returns what was applied, and a refused service was not."""
    registry = FakeRegistry(refuses="host-1:web:80")
    assert reconciler(FakeSource([container("web")]), registry).cycle().register == ()


def test_an_ignored_container_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """The log says why a container is no service, once and not at every cycle."""
    web = container("web", exposed(80))
    host = reconciler(FakeSource([web]), FakeRegistry())
    host.cycle()
    host.cycle()
    assert caplog.messages == [f"ignored: {web.short_id} no published ports"]


@pytest.mark.xfail(strict=True, raises=ValueError, reason="SERVICE_²_NAME is read as a port")
def test_one_containers_odd_label_costs_the_others_nothing() -> None:
    """No container can keep the others of its host from being registered."""
    odd, registry = container("odd", labels={"SERVICE_²_NAME": "x"}), FakeRegistry()
    reconciler(FakeSource([odd, container("web")]), registry).cycle()
    assert "host-1:web:80" in registry.entries
