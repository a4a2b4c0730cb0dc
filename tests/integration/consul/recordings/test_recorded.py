"""What the pure tests take for Consul's answers is what the pinned Consul answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.recorded import (
    Recorded,
    keep,
    names,
    recorded,
)

from ..conftest import ROOT
from .record import record

RECORD = "pytest tests/integration/consul/recordings/test_recorded.py --record"


@pytest.fixture(scope="module", name="live")
def _live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Recorded]:
    """The answers of today, written down where that was asked for."""
    found = record(tmp_path_factory.mktemp("recorded"))
    if request.config.getoption("--record", default=False):
        for name, recording in found.items():
            keep(name, recording)
    return found


def shape(value: Any) -> Any:
    """The keys and types of an answer, recursively; of a list, those of all its elements."""
    if isinstance(value, dict):
        return {key: shape(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted({str(shape(each)) for each in value})
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def test_the_recordings_are_those_of_the_stories(live: dict[str, Recorded]) -> None:
    """No file is left of a request that nobody makes any more."""
    assert set(names()) == set(live)


@pytest.mark.parametrize("name", names())
def test_an_answer_has_the_shape_of_its_recording(live: dict[str, Recorded], name: str) -> None:
    """What a pure test proves of the recording holds of the agent."""
    kept, now = recorded(name), live[name]
    assert (kept.request, kept.status, kept.headers) == (now.request, now.status, now.headers)
    assert shape(kept.answer) == shape(now.answer)


def test_a_recording_made_anew_leaves_no_difference(live: dict[str, Recorded]) -> None:
    """Then a difference is Consul's, and worth a look."""
    stale = [name for name in names() if recorded(name) != live[name]]
    assert not stale, f"look what is another now, and record it: {RECORD}"


def test_the_recorded_consul_is_the_pinned_one() -> None:
    """A new pin is recorded along with it."""
    pins = (ROOT / "lab/images/consul/go.mod").read_text()
    found = re.search(r"github\.com/hashicorp/consul v(\S+)", pins)
    assert found
    assert {recorded(name).consul for name in names()} == {found[1]}, f"record it: {RECORD}"
