"""The pages that Prometheus and probes ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from ansible_collections.rollcall.discovery.tests.support.registrator.clock import Clock
from registrator.ops.metrics import Metrics, status_pages
from registrator.ops.status import StatusServer


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    """A daemon's metrics."""
    return Metrics(10, clock=clock)


@pytest.fixture
def url(metrics: Metrics) -> Iterator[str]:
    """Where they are served."""
    server = StatusServer(("127.0.0.1", 0), status_pages(metrics))
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def test_the_metrics_are_served(url: str, metrics: Metrics) -> None:
    """As text in the version that Prometheus asks for."""
    metrics.cycle(1, 0, 1, 1)
    answer = requests.get(f"{url}/metrics?debug=1", timeout=5)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "registrator_registrations_total 1\n" in answer.text


def test_a_daemon_that_lags_is_unavailable(url: str, metrics: Metrics, clock: Clock) -> None:
    """200 while it keeps up, 503 with a sentence when it does not."""
    metrics.cycle(0, 0, 0, 0)
    assert requests.get(f"{url}/healthz", timeout=5).status_code == 200
    clock.now += 31
    answer = requests.get(f"{url}/healthz", timeout=5)
    assert (answer.status_code, answer.text) == (
        503,
        "last successful cycle 31 s ago, the limit is 30 s\n",
    )


def test_a_head_has_no_body(url: str) -> None:
    """Some probes ask for the head only."""
    answer = requests.head(f"{url}/healthz", timeout=5)
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize(("verb", "status"), [("GET", 404), ("POST", 501)])
def test_there_is_nothing_else(url: str, verb: str, status: int) -> None:
    """Two pages, to be read."""
    assert requests.request(verb, f"{url}/", timeout=5).status_code == status


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1"])
def test_an_address_is_listened_on(host: str, metrics: Metrics) -> None:
    """Every address where no host is named."""
    server = StatusServer((host, 0), status_pages(metrics))
    answer = requests.get(f"http://{host or '127.0.0.1'}:{server.port}/healthz", timeout=5)
    server.close()
    assert answer.status_code == 200


def test_an_address_that_is_taken_is_told(url: str, metrics: Metrics) -> None:
    """The second daemon on a host learns it at the start."""
    port = int(url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        StatusServer(("127.0.0.1", port), status_pages(metrics))
