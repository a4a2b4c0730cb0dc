"""What a new container begins with."""

from __future__ import annotations

import pathlib

import pytest
from nginx_lb.protection.store import State, load, save

from ..builders import instances, record


def test_what_is_kept_comes_back(tmp_path: pathlib.Path) -> None:
    """Records, generation and routes, as they were."""
    records = {"web": record(1, 2), "api": record()}
    state = State(7, records, {("a.example", "/"): "web"})
    save(tmp_path / "state.json", state)
    assert load(tmp_path / "state.json") == state
    assert state.records["web"].instances == instances(1, 2)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"generation": 1, "records": {"a": {}}}'])
def test_a_file_of_nonsense_is_an_empty_state(tmp_path: pathlib.Path, text: str) -> None:
    """A volume may be full, cut short or somebody else's: the balancer starts."""
    (tmp_path / "state.json").write_text(text)
    assert load(tmp_path / "state.json") == State()
