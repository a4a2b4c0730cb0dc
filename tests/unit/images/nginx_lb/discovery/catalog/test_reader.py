"""What is read of the catalog after a change, in which order, and what is believed of it."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from nginx_lb.discovery.catalog import queries, reader
from nginx_lb.discovery.catalog.reader import CatalogReader, Signals
from nginx_lb.discovery.consul_client import Answer, ConsulError
from nginx_lb.settings.model import Consul

from .answers import by_node, service, subscription, written

T = TypeVar("T")
BAD = service("bad", Address="10.0.0.9", CreateIndex=30)
CHECK = {"Node": "n1", "ServiceID": "bad"}
GOOD = service("good", Address="10.0.0.1")
# More than a part may have that is read again without a question.
MANY = [service(f"{number}", Address="10.0.1.1", Port=1000 + number) for number in range(300)]


class Catalog:
    """A catalog of nodes, which may change after a request, and the client that reads it."""

    def __init__(self, **nodes: list[dict[str, Any]]) -> None:
        """With an index for each node."""
        self.nodes = nodes
        self.indexes = dict.fromkeys(nodes, 10)
        self.failing: list[dict[str, str]] = []
        self.asked: list[str] = []
        self.then: dict[str, Callable[[], None]] = {}
        self.checks = 10

    @property
    def index(self) -> int:
        """The index of all services."""
        return max(self.indexes.values())

    def changes(self, node: str, *services: dict[str, Any]) -> None:
        """A node has other services."""
        self.nodes[node], self.indexes[node] = list(services), self.index + 1

    def fails(self, *checks: dict[str, str]) -> None:
        """Other checks fail."""
        self.failing, self.checks = list(checks), self.checks + 1

    def signals(self, last: Signals | None = None) -> Signals:
        """What the blocking queries answer; an answer stays the same while nothing changes."""
        services = Answer({name: ["lb"] for name in ("a", "b", "c")}, self.index)
        checks = Answer(None, self.checks)
        if last is None:
            nodes = Answer(dict.fromkeys(self.nodes, "10.9.9.1"), 10)
            return Signals(nodes, services, checks, subscription())
        return Signals(
            last.nodes,
            last.services if last.services.index == self.index else services,
            last.checks if last.checks.index == self.checks else checks,
            last.subscription,
        )

    # The client

    def get(
        self, path: str, parse: Callable[[bytes], T], last: Answer[T] | None = None
    ) -> Answer[T]:
        """Answer as the catalog is now, and let it change after that."""
        self.asked.append(self.shown(path))
        content, index = self._answer(path)
        found = parse(content)
        if last is not None and last.content == content:
            found = last.body
        self.then.pop(self.asked[-1], lambda: None)()
        return Answer(found, index, content=content)

    def shown(self, path: str) -> str:
        """A path in a word or two."""
        if path == queries.SERVICES_INDEX:
            return "index"
        if path == queries.NOT_PASSING:
            return "checks"
        node = urllib.parse.urlsplit(path).path.rpartition("/")[2]
        return f"probe {node}" if "ID%20%3D%3D" in path else node

    def _answer(self, path: str) -> tuple[bytes, int]:
        shown = self.asked[-1]
        if shown == "index":
            return b"{}", self.index
        if shown == "checks":
            return written(self.failing), self.checks
        node = shown.removeprefix("probe ")
        services = [] if shown.startswith("probe") else self.nodes[node]
        return by_node(*services, Node=node), self.indexes[node]


class Stage:
    """A reader of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        """Nothing was read yet."""
        self.catalog = catalog
        self.signals = catalog.signals()
        self.reader = CatalogReader(Consul(), self.signals.subscription)

    def reads(self) -> list[str]:
        """Read after the blocking queries were answered; the IDs that pass."""
        self.signals = self.catalog.signals(self.signals)
        return self.reads_on()

    def reads_on(self) -> list[str]:
        """Read although the blocking queries have not been answered yet."""
        self.catalog.asked.clear()
        report = self.reader.read(self.signals)
        assert report.discovered
        found = report.discovered.services
        return sorted(each.id for instances in found.values() for each in instances)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Two nodes, whose services were read once."""
    catalog = Catalog(n1=[GOOD], n2=MANY)
    monkeypatch.setattr(reader, "ConsulClient", lambda *_: catalog)
    made = Stage(catalog)
    assert len(made.reads()) == 301
    assert catalog.asked == ["n1", "n2", "checks", "index"]
    return made


def test_a_check_that_fails_costs_one_request(stage: Stage) -> None:
    """No service is read again."""
    stage.catalog.fails({"Node": "n1", "ServiceID": "good"})
    assert "good" not in stage.reads()
    assert stage.catalog.asked == ["checks"]


def test_a_check_that_passes_again_costs_another_one(stage: Stage) -> None:
    """Whether its service still is there."""
    stage.catalog.fails({"Node": "n1", "ServiceID": "good"})
    stage.reads()
    stage.catalog.fails()
    assert "good" in stage.reads()
    assert stage.catalog.asked == ["checks", "index"]


def test_a_large_part_is_read_where_its_index_has_moved(stage: Stage) -> None:
    """A small one is read at once, and the checks come after all services."""
    stage.catalog.changes("n1")
    assert len(stage.reads()) == 300
    assert stage.catalog.asked == ["n1", "probe n2", "checks", "index"]
    stage.catalog.changes("n2", *MANY[1:])
    assert len(stage.reads()) == 299
    assert stage.catalog.asked == ["n1", "probe n2", "n2", "checks", "index"]


def test_an_instance_that_goes_with_its_failing_check_never_passes(stage: Stage) -> None:
    """It came and went between two readings of the checks."""
    stage.catalog.changes("n1", GOOD, BAD)
    stage.catalog.fails(CHECK)

    def goes() -> None:
        stage.catalog.changes("n1", GOOD)
        stage.catalog.fails()

    stage.catalog.then["n1"] = goes
    assert "bad" not in stage.reads()
    assert stage.catalog.asked == [*("n1", "probe n2", "checks", "index"), *("probe n1", "n1")]
    assert "good" in stage.reads()


def test_an_instance_that_goes_before_its_services_are_read_again_never_passes(
    stage: Stage,
) -> None:
    """The checks have changed, and the services have too, which nobody has said yet."""
    stage.catalog.changes("n1", GOOD, BAD)
    stage.catalog.fails(CHECK)
    assert "bad" not in stage.reads()
    stage.catalog.changes("n1", GOOD)
    stage.catalog.fails()
    assert "bad" not in stage.reads_on()
    assert "bad" not in stage.reads()


def test_another_one_with_its_id_is_another_one(stage: Stage) -> None:
    """It went and came again between the readings, and its check was away for that time."""
    stage.catalog.changes("n1", GOOD, BAD)
    stage.catalog.fails(CHECK)

    def goes() -> None:
        stage.catalog.changes("n1", GOOD)
        stage.catalog.fails()

    def comes() -> None:
        stage.catalog.changes("n1", GOOD, {**BAD, "CreateIndex": 40})
        stage.catalog.fails(CHECK)

    stage.catalog.then |= {"n1": goes, "checks": comes}
    assert "bad" not in stage.reads()
    assert "bad" not in stage.reads()
    stage.catalog.fails()
    assert "bad" in stage.reads()


def test_an_instance_that_comes_meanwhile_is_reported_by_the_next_reading(stage: Stage) -> None:
    """What else its node has is reported now."""
    stage.catalog.changes("n1", {**GOOD, "Port": 81})
    stage.catalog.then["n1"] = lambda: stage.catalog.changes("n1", {**GOOD, "Port": 81}, BAD)
    assert {"good", "bad"} & set(stage.reads()) == {"good"}
    assert "bad" in stage.reads()


def test_a_part_that_cannot_be_read_is_read_again(stage: Stage) -> None:
    """And confirmed then."""
    stage.catalog.changes("n1", GOOD, BAD)

    def refuses() -> None:
        raise ConsulError("/checks", "no leader")

    stage.catalog.then["checks"] = refuses
    with pytest.raises(ConsulError):
        stage.reads()
    assert "bad" in stage.reads()
    assert stage.catalog.asked == ["checks", "index"]
