"""The commands of `drill` on histories that are told: no observer runs."""

from __future__ import annotations

import json
import pathlib

import pytest
from ansible_collections.rollcall.discovery.tests.support.drills.command import Drill
from ansible_collections.rollcall.discovery.tests.support.drills.stories import host_dies, story
from rollcall_agents.certificates import Authority
from rollcall_drills.history.folder import load


def test_a_bound_that_is_missed_ends_with_one(drill: Drill, tmp_path: pathlib.Path) -> None:
    """And the table says which, with what was measured."""
    path = host_dies().failing(1).traffic(6).write(tmp_path / "history").path
    table = drill("judge", "--history", path, "--bounds", '{"failed": 0}', status=1)
    assert ["failed", "0", "1", "NO"] in [line.split() for line in table.splitlines()]
    assert table.splitlines()[-1] == "missed"


def test_an_unstable_history_ends_with_three(drill: Drill, tmp_path: pathlib.Path) -> None:
    """A script can tell it from a miss."""
    path = story().calm().elect("host-2").traffic(1).write(tmp_path / "history").path
    assert drill("judge", "--history", path, status=3).splitlines()[-1] == "unstable"


def test_bounds_are_remembered(drill: Drill, tmp_path: pathlib.Path) -> None:
    """From a file or from the command line; a later judgement without bounds has the same."""
    path = host_dies().write(tmp_path / "history").path
    bounds = tmp_path / "bounds.json"
    bounds.write_text('{"out_of_catalog_s": 1}')
    first = drill("judge", "--history", path, "--bounds", bounds, status=1)
    assert drill("judge", "--history", path, status=1) == first
    drill("judge", "--history", path, "--bounds", '{"out_of_catalog_s": 3}')
    drill("judge", "--history", path)
    assert json.loads((path / "bounds.json").read_text()) == {"out_of_catalog_s": 3}


def test_without_any_bounds_the_history_itself_is_judged(
    drill: Drill, tmp_path: pathlib.Path
) -> None:
    """It has to prove something."""
    path = host_dies().cut().write(tmp_path / "history").path
    assert "did not end in order" in drill("judge", "--history", path, status=1)


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        ('{"nonsense": 1}', "there is no bound nonsense"),
        ("{", "not valid JSON"),
        ("/nowhere/at/all.json", "cannot be read"),
    ],
)
def test_bounds_that_are_none_are_refused(
    drill: Drill, tmp_path: pathlib.Path, bounds: str, sentence: str
) -> None:
    """Nothing is judged, and nothing is remembered."""
    path = host_dies().write(tmp_path / "history").path
    assert sentence in drill("judge", "--history", path, "--bounds", bounds, status=2)
    assert not (path / "bounds.json").exists()
    assert not (path / "verdict.json").exists()


def test_an_authority_without_tls_is_refused(
    drill: Drill, tmp_path: pathlib.Path, authority: Authority
) -> None:
    """The token would be sent in the clear to whoever answers."""
    words = ("--url", "http://127.0.0.1:1/", "--consul", "http://127.0.0.1:8500")
    words = (*words, "--consul-ca", authority.pem)
    said = drill("start", "--history", tmp_path / "history", *words, status=2)
    assert "each --consul must be https:// then" in said


def test_a_history_is_never_continued(drill: Drill, tmp_path: pathlib.Path) -> None:
    """A second start refuses the folder and changes nothing in it."""
    path = story().calm().write(tmp_path / "history").path
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    said = drill("start", "--history", path, "--url", "http://127.0.0.1:1/", status=2)
    assert "is not empty" in said
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


@pytest.mark.parametrize("name", ["calm", "fault"])
def test_nothing_is_broken_unseen(drill: Drill, tmp_path: pathlib.Path, name: str) -> None:
    """Without an observer a drill is stopped before it breaks something."""
    folder = story().calm().write(tmp_path / "history")
    before = folder.marks.read_text()
    assert "the observer is not running" in drill("mark", "--history", folder.path, name, status=2)
    assert folder.marks.read_text() == before


@pytest.mark.parametrize("name", ["healed", "settled", "note"])
def test_a_drill_may_always_tell_that_it_mended(
    drill: Drill, tmp_path: pathlib.Path, name: str
) -> None:
    """Cleaning up must not fail because the observer did."""
    folder = story().calm().write(tmp_path / "history")
    drill("mark", "--history", folder.path, name, "--detail", "später")
    assert load(folder).marks[-1].detail == "später"


def test_a_mark_into_nothing_is_refused(drill: Drill, tmp_path: pathlib.Path) -> None:
    """It may be the wrong folder."""
    assert "has no history" in drill("mark", "--history", tmp_path, "note", status=2)


def test_hosts_and_addresses_belong_together(drill: Drill, tmp_path: pathlib.Path) -> None:
    """Two hosts and one address leave open whose it is."""
    path = story().calm().write(tmp_path / "history").path
    words = ("fault", "--host", "a", "--host", "b", "--address", "10.0.0.1")
    assert "2 hosts and 1 addresses" in drill("mark", "--history", path, *words, status=2)


def test_a_schedule_is_json(drill: Drill) -> None:
    """And the same for the same seed."""
    words = ("schedule", "--seed", "5", "--faults", "6", "--host", "h1", "--host", "h2")
    words = (*words, "--fault", "kill", "--fault", "pause", "--hold", "1", "2")
    steps = json.loads(drill(*words))
    assert [step["number"] for step in steps] == [1, 2, 3, 4, 5, 6]
    assert drill(*words) == drill(*words)
    assert "is invalid" in drill(*words, "--hold", "3", "2", status=2)


def test_what_is_not_understood_ends_with_two(drill: Drill) -> None:
    """As argparse has it."""
    assert "invalid choice" in drill("mark", "--history", "x", "storm", status=2)
