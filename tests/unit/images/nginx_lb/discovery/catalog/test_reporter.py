"""Which instances are reported."""

from __future__ import annotations

from nginx_lb.discovery.catalog import registrations
from nginx_lb.discovery.catalog.registrations import BY_NODE
from nginx_lb.discovery.catalog.reporter import Reporter
from nginx_lb.discovery.subscription import Report
from nginx_lb.model import Skip

from .answers import by_node, service, subscription

SERVICES = [
    service("a", Address="10.0.0.1"),
    service("b", Address="10.0.0.2"),
    service("c", "api", Address="10.0.0.3"),
]


def reported(*failing: tuple[str, str], names: tuple[str, ...] = ("web",)) -> Report:
    """The report on what n1 and n2 have."""
    wanted = subscription(*names)
    found = [
        each
        for node in ("n1", "n2")
        for each in registrations.parse(
            BY_NODE, wanted, None, by_node(*SERVICES[node == "n2" :], Node=node)
        ).registrations
    ]
    return Reporter(wanted).report(found, frozenset(failing))


def ids(report: Report) -> dict[str, list[str]]:
    """The IDs of each service's instances."""
    assert report.discovered
    services = {**report.declared.services, **report.discovered.services}
    return {name: [each.id for each in instances] for name, instances in services.items()}


def test_a_failing_check_takes_its_service_or_its_whole_node() -> None:
    """A check of the node is everybody's on it; one of a service is nobody else's."""
    assert ids(reported()) == {"web": ["a", "b"], "api": ["c"]}
    assert ids(reported(("n1", "b"))) == {"web": ["a", "b"], "api": ["c"]}
    assert ids(reported(("n1", "b"), ("n2", "b"))) == {"web": ["a"], "api": ["c"]}
    assert ids(reported(("n1", ""), ("n2", "c"))) == {"web": ["b"]}


def test_a_declared_service_is_reported_without_instances_and_a_discovered_one_is_not() -> None:
    """It has the names that the settings give it."""
    assert ids(reported(("n1", ""), ("n2", ""), names=("web", "WEB", "db"))) == {
        "web": [],
        "WEB": [],
        "db": [],
    }
    assert ids(reported(names=("WEB", "Api")))["WEB"] == ["a", "b"]


def test_what_cannot_be_read_is_skipped() -> None:
    """Beside the entries that do not fit."""
    skip = Skip("..", "Consul cannot be asked for this node")
    for wanted in (subscription(), subscription("web", tag=None)):
        report = Reporter(wanted).report([], frozenset(), [skip])
        assert report.declared.skipped == (skip,)


def test_a_report_that_is_the_same_is_equal() -> None:
    """Whoever makes one after the other sees what has changed."""
    wanted = subscription("web")
    reporter = Reporter(wanted)

    def report(*services: object) -> Report:
        content = by_node(*services)
        found = registrations.parse(BY_NODE, wanted, None, content).registrations
        return reporter.report(found, frozenset())

    first = report(*SERVICES)
    assert report(*reversed(SERVICES)) == first
    assert report(*SERVICES[1:]) != first
    assert report(*SERVICES) == first
