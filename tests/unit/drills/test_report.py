"""The page: everything recorded is on it, nothing on it comes from elsewhere."""

from __future__ import annotations

import html.parser
import itertools
import json
import re
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.drills.stories import (
    Story,
    host_dies,
    story,
)
from rollcall_drills.analysis.bounds import judge
from rollcall_drills.history.records import Failure, MarkName
from rollcall_drills.report import charts, formats, page, series
from rollcall_drills.report.markup import Markup, join, tag

VOID = {"meta"}


class Reader(html.parser.HTMLParser):
    """Reads a page: its elements with attributes, its text; every element must be closed."""

    def __init__(self, text: str) -> None:
        """Read it all."""
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It ends, and it is the one that began last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text, apart from styles."""
        if self.open and self.open[-1] != "style":
            self.text.append(data)

    def classes(self, word: str) -> int:
        """How many elements have all these classes."""
        wanted = set(word.split())
        return sum(wanted <= set((a.get("class") or "").split()) for _tag, a in self.elements)


def data(told: Story, **bounds: float) -> dict[str, Any]:
    """The series of a story, through JSON as in `report.json`."""
    history = told.history()
    found: dict[str, Any] = json.loads(json.dumps(series.series(history, judge(history, bounds))))
    return found


def rich() -> Story:
    """A story with everything in it."""
    told = host_dies().mark(MarkName.NOTE, "half time").fault("kill", "host-1", "host-3")
    told.silent("host-1").sees_leader("host-2", "").failing(3).leaderless(2).elect("host-2")
    told.sees_members("host-2", host_1="failed").metrics(nginx_lb_reloads_total=1)
    told.traffic(1).sees_members("host-3", host_1="failed").late(1)
    told.metrics(nginx_lb_reloads_total=2).failing(1, Failure.BAD_STATUS)
    return told.healed().settled().traffic(6)


def read(told: Story, **bounds: float) -> Reader:
    """The page of a story."""
    return Reader(page.page(data(told, **bounds)))


@pytest.mark.parametrize("told", [rich(), story(), story().calm(), story(hosts=("one-1",)).calm()])
def test_the_page_stands_alone(told: Story) -> None:
    """No address to load anything from, no script: it is read anywhere, also offline."""
    text = page.page(data(told))
    found = Reader(text)
    attributes = {name for _tag, attributes in found.elements for name in attributes}
    assert not attributes & {"src", "href", "xlink:href", "srcset", "action", "data"}
    assert not {tag for tag, _attributes in found.elements} & {"script", "link", "img", "iframe"}
    assert "url(" not in text
    assert "@import" not in text


def test_every_mark_and_instance_is_there() -> None:
    """In the list with its number, and as a line with a title in each chart."""
    found = read(rich())
    titles = [attributes.get("title") for _tag, attributes in found.elements]
    for mark in data(rich())["marks"]:
        title = charts.mark_title(mark)
        assert title in titles
        assert title in found.text
    for host in ("host-1", "host-2", "host-3"):
        assert host in found.text
        assert f"{host} 10.0.0.{host[-1]}:80" in found.text


def test_failures_are_visible() -> None:
    """Each failed request is a dot of its own, and a bar in red."""
    found = read(rich())
    # Four requests, and the buckets they are in.
    assert found.classes("dot failed") >= 5
    assert found.classes("bar failed") == 1
    assert any("timeout after 5 s" in text for text in found.text)
    assert read(host_dies()).classes("failed") == 0


def test_the_verdict_comes_first() -> None:
    """Status, reasons and bounds, before any chart."""
    text = page.page(data(rich(), failed=0))
    assert text.index("A bound was missed") < text.index("failed is 4, the bound is 0")
    assert text.index("the bound is 0") < text.index("<figure>")
    assert "Every bound held" in page.page(data(host_dies(), failed=0))
    assert "Unstable" in page.page(data(story().calm().elect("host-2").traffic(1)))


def test_how_it_was_taken_is_told() -> None:
    """Rate, mix, timeout, agents."""
    text = " ".join(read(rich()).text)
    assert "50 requests per second to http://10.0.0.1/" in text
    assert "20% were POSTs, 50% had a new connection" in text
    assert "within 5 s" in text
    assert "http://10.0.0.2:8500" in text
    assert "consul 1.22.7" in text


def test_what_others_wrote_is_escaped() -> None:
    """Names come from containers: none of them becomes markup."""
    told = story().calm(0)
    evil = '<script>alert("1")</script>'
    told.mark(MarkName.NOTE, evil, evil).request(0.1, instance=evil, backend=evil)
    found = read(told.metrics(**{f'nginx_lb_x{{a="{evil}"}}': 1.0}).calm())
    assert "script" not in {tag for tag, _attributes in found.elements}
    assert evil in found.text


def test_a_page_without_agents_has_no_empty_charts() -> None:
    """What was not recorded is not drawn."""
    told = story().without_reads().calm()
    told.events = []
    found = read(told)
    assert "Requests per second, by who answered" in found.text
    assert not {"Members", "Passing instances", "Consistent reads"} & set(found.text)


def test_many_marks_leave_the_charts_readable() -> None:
    """Only the faults are drawn then; the list has all marks."""
    told = story().calm()
    for _ in range(30):
        told.fault("kill", "host-2").traffic(0.5).healed().settled().traffic(0.5)
    found = read(told)
    assert found.classes("flag m-fault") == 60
    assert found.classes("flag m-healed") == 0
    assert found.classes("word m-healed") == 30


@pytest.mark.parametrize("pixels", [330.0, 860.0])
def test_flags_never_overlap(pixels: float) -> None:
    """In each row every label ends before the next one begins, within the plot."""
    labels = [(at * 3.1 % 60, "7 fault host-1") for at in range(20)]
    labels.sort()
    boxes: dict[int, list[tuple[float, float]]] = {}
    for (at, text), (row, right) in zip(labels, charts._placed(labels, 60.0, pixels), strict=True):
        width = len(text) * 7.0 + 12.0
        x = at / 60 * pixels
        boxes.setdefault(row, []).append((x - width, x) if right else (x, x + width))
    for row in boxes.values():
        assert all(left[1] <= right[0] for left, right in itertools.pairwise(row))
        assert all(start >= 0 and end <= pixels for start, end in row)


@pytest.mark.parametrize("seconds", [0.5, 3, 30, 61, 119, 120, 900, 3600, 86400])
def test_the_time_axis_is_round_and_readable(seconds: float) -> None:
    """At most eleven moments, all different, all within."""
    ticks = formats.ticks(seconds, 10)
    assert 2 <= len(ticks) <= 11
    assert ticks[-1] <= seconds
    texts = [formats.clock(tick, seconds) for tick in ticks]
    assert len(set(texts)) == len(texts)


def test_a_long_time_is_told_in_minutes() -> None:
    """From two minutes on, and for the whole axis alike."""
    assert [formats.clock(60, length) for length in (119, 120)] == ["60 s", "1:00"]


def test_buckets_hold_every_request_once() -> None:
    """The picture loses none."""
    found = data(rich())
    drawn = sum(sum(one["by"].values()) + one["failed"] + one["late"] for one in found["rate"])
    assert drawn == len(rich().requests)
    assert len(found["rate"]) <= 241
    assert len(found["failures"]) == 4


def test_lanes_cover_the_time_without_a_gap() -> None:
    """Each member and instance has a state at every moment from the first one on."""
    found = data(rich())
    for lane in [*found["members"], *found["passing"], *found["leader"]]:
        spans = lane["spans"]
        assert spans[-1]["to"] == pytest.approx(found["seconds"], abs=0.01)
        assert all(a["to"] == b["from"] for a, b in itertools.pairwise(spans))


def test_agents_that_differ_are_drawn_as_such() -> None:
    """One says failed, the other alive: disputed; a silent one has no say."""
    told = story().calm(1).silent("host-3").sees_members("host-1", host_2="failed").traffic(1)
    told.sees_members("host-2", host_2="failed").traffic(1)
    lane = next(one for one in data(told)["members"] if one["name"] == "host-2")
    assert [span["value"] for span in lane["spans"]] == ["alive", "disputed", "failed"]


def test_leaders_bear_their_nodes_names() -> None:
    """An address says less than a name; where it is shared it has to do."""
    lanes = data(rich())["leader"]
    assert [lane["name"] for lane in lanes] == ["host-1", "host-2", "host-3"]
    values = [span["value"] for span in lanes[1]["spans"]]
    assert values == ["host-1", None, "host-1", "nobody", "host-2"]
    assert lanes[0]["spans"][-1]["value"] is None


def test_markup_escapes_what_is_no_markup() -> None:
    """Text and attributes alike; markup stays."""
    assert tag("b", "<", class_='"') == '<b class="&quot;">&lt;</b>'
    assert join(Markup("<i>"), "<i>") == "<i>&lt;i&gt;"
    assert tag("p", x=1.5, y=2.0, z=None) == '<p x="1.5" y="2"></p>'


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "?"), (0, "0 s"), (0.00123, "1.23 ms"), (0.25, "250 ms"), (2.5, "2.5 s")],
)
def test_durations_are_read_easily(value: float | None, text: str) -> None:
    """Milliseconds below a second."""
    assert formats.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "?"), (0, "0"), (12345, "12\u202f345"), (0.123456, "0.123")]
)
def test_numbers_are_read_easily(value: float | None, text: str) -> None:
    """Thousands apart, three digits of the rest."""
    assert formats.count(value) == text


def test_style_has_no_rule_for_what_is_not_there() -> None:
    """Every class that a page uses has a rule, or is one of the words below."""
    css = page._STYLE.read_text()
    used = {
        word
        for told in (rich(), host_dies())
        for _tag, attributes in read(told).elements
        for word in (attributes.get("class") or "").split()
    }
    plain = {"timeline", "first", "wide", "lane", "m-note"}
    missing = {word for word in used - plain if not re.search(rf"\.{word}\b", css)}
    assert missing == set()
