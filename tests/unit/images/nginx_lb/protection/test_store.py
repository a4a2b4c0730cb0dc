"""What a new container begins with."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import pytest
from nginx_lb.protection.store import State, load, save

from ..builders import endpoint, instances, record


def test_what_is_kept_comes_back(tmp_path: pathlib.Path) -> None:
    """Records, generation and routes, as they were."""
    withdrawn = dataclasses.replace(record(1, 2), withdrawn=frozenset({endpoint(1)}))
    records = {"web": withdrawn, "api": record()}
    state = State(7, records, {("a.example", "/"): "web"})
    save(tmp_path / "state.json", state)
    assert load(tmp_path / "state.json") == state
    assert state.records["web"].instances == instances(1, 2)


def test_the_state_of_an_older_version_is_read(tmp_path: pathlib.Path) -> None:
    """It knows nothing of withdrawn instances."""
    path = tmp_path / "state.json"
    save(path, State(7, {"web": record(1)}))
    values = json.loads(path.read_text())
    del values["records"]["web"]["withdrawn"]
    path.write_text(json.dumps(values))
    assert load(path) == State(7, {"web": record(1)})


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"generation": 1, "records": {"a": {}}}'])
def test_a_file_of_nonsense_is_an_empty_state(tmp_path: pathlib.Path, text: str) -> None:
    """A volume may be full, cut short or somebody else's: the balancer starts."""
    (tmp_path / "state.json").write_text(text)
    assert load(tmp_path / "state.json") == State()
