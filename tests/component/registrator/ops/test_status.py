"""The pages that Prometheus and probes ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from ansible_collections.rollcall.discovery.tests.support.registrator.clock import Clock
from registrator.ops.metrics import Metrics, status_pages
from rollcall_common.status_server import StatusServer


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
