"""A history written is the history read, also a damaged or an older one."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import pytest
from ansible_collections.rollcall.discovery.tests.support.drills.stories import host_dies, story
from hypothesis import given, settings
from hypothesis import strategies as st
from rollcall_drills.analysis.bounds import judge
from rollcall_drills.errors import UserError
from rollcall_drills.history.folder import Folder, load
from rollcall_drills.history.journal import Journal
from rollcall_drills.history.records import Failure, Mark, MarkName, Request, event_from_line
from rollcall_drills.history.settings import FORMAT, Drill, Settings


def test_what_was_written_is_read(tmp_path: pathlib.Path) -> None:
    """Requests, marks, and events of every kind survive the files."""
    told = host_dies().late(1).failing(2).elect("host-3").metrics(nginx_lb_up=1).stall(0.3)
    folder = told.traffic(1).write(tmp_path / "history")
    assert load(folder) == told.history()
    assert load(folder).damage == ()


# A loaded machine may take long over an example.
@settings(deadline=None, database=None)
@given(
    st.builds(
        Request,
        st.integers(0),
        st.floats(0, 2e9).map(lambda value: round(value, 6)),
        st.floats(0, 100).map(lambda value: round(value, 6)),
        st.sampled_from(["GET", "POST"]),
        st.booleans(),
        st.none() | st.integers(100, 599),
        st.none() | st.sampled_from(Failure),
        st.none() | st.text(),
        st.none() | st.text(),
    )
)
def test_any_request_survives_its_line(request_: Request) -> None:
    """Whatever a page or a balancer put into it."""
    line = json.dumps(request_.to_line())
    assert "\n" not in line
    assert Request.from_line(json.loads(line)) == request_


def test_the_order_of_lines_does_not_matter(tmp_path: pathlib.Path) -> None:
    """Requests are logged when they are over; they are judged by number."""
    told = story().calm()
    folder = told.write(tmp_path / "history")
    lines = folder.requests.read_text().splitlines(keepends=True)
    folder.requests.write_text("".join(reversed(lines)))
    assert load(folder).requests == told.history().requests


def test_a_line_cut_off_at_the_end_is_being_written(tmp_path: pathlib.Path) -> None:
    """A history may be looked at while it grows."""
    folder = story().calm().write(tmp_path / "history")
    whole = len(load(folder).requests)
    folder.requests.write_text(folder.requests.read_text()[:-10])
    assert load(folder).damage == ()
    assert len(load(folder).requests) == whole - 1


@pytest.mark.parametrize("text", ["garbage\n", "[]\n", '{"n": 1}\n', "null\n"])
def test_a_damaged_line_is_told_and_fails(tmp_path: pathlib.Path, text: str) -> None:
    """In the middle of a file it is no accident of timing."""
    folder = story().calm().write(tmp_path / "history")
    folder.requests.write_text(text + folder.requests.read_text())
    history = load(folder)
    assert history.damage[0].startswith("requests.jsonl:1 cannot be read")
    assert not judge(history, {}).results[0].held


def test_what_a_later_version_added_is_passed_over(tmp_path: pathlib.Path) -> None:
    """New kinds and fields do not spoil an old checker."""
    told = story().calm()
    folder = told.write(tmp_path / "history")
    lines = [json.loads(line) for line in folder.events.read_text().splitlines()]
    lines = [{**line, "new": 1} for line in lines] + [{"kind": "weather", "at": 1.0}]
    folder.events.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert load(folder) == told.history()
    assert event_from_line({"kind": "weather"}) is None


def test_a_later_format_is_refused(tmp_path: pathlib.Path) -> None:
    """Better no verdict than one on what is not understood."""
    folder = story().calm().write(tmp_path / "history")
    document = json.loads(folder.drill.read_text())
    folder.drill.write_text(json.dumps({**document, "format": FORMAT + 1}))
    with pytest.raises(UserError, match=f"has format {FORMAT + 1}"):
        load(folder)


def test_a_folder_without_a_history_is_told(tmp_path: pathlib.Path) -> None:
    """It may be the wrong folder."""
    with pytest.raises(UserError, match="has no history"):
        load(Folder(tmp_path))
    (tmp_path / "drill.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        load(Folder(tmp_path))


def test_a_drill_survives_its_document() -> None:
    """Name, clock, settings, versions."""
    drill = Drill("n", "d", 1.5, -3.25, Settings("http://h/", consul=("http://a",)), {"a": "1"})
    assert Drill.from_json(json.loads(json.dumps(drill.to_json()))) == drill


def test_a_mark_survives_its_line() -> None:
    """With hosts and addresses."""
    mark = Mark(1.5, MarkName.FAULT, "kill", ("h",), ("10.0.0.1",))
    assert Mark.from_line(json.loads(json.dumps(mark.to_line()))) == mark


def test_a_journal_writes_when_told(tmp_path: pathlib.Path) -> None:
    """Lines wait in memory, and closing loses none."""
    journal = Journal(tmp_path / "file")
    journal.write({"a": 1})
    assert (tmp_path / "file").read_text() == ""
    journal.flush()
    journal.write({"b": "ü"})
    journal.close()
    assert (tmp_path / "file").read_text() == '{"a":1}\n{"b":"ü"}\n'
    assert journal.lines == 2


@pytest.mark.parametrize(
    "change",
    [
        {"post": 1.1},
        {"fresh": -0.1},
        {"rate": 0},
        {"timeout": 0},
        {"rate": float("nan")},
        {"url": "ftp://h/"},
        {"url": "10.0.0.1"},
        {"url": "http://user:word@10.0.0.1/"},
        {"consul": ("http://a", "http://a")},
        {"consul": ("a:8500",)},
        {"metrics": "h/metrics"},
        {"instance_pattern": "no group"},
        {"instance_pattern": "("},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, object]) -> None:
    """With a sentence, before anything starts."""
    with pytest.raises(UserError, match="is invalid"):
        dataclasses.replace(Settings("http://h/"), **change)  # type: ignore[arg-type]  # on purpose
