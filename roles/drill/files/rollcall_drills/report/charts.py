"""The charts: SVG that stretches to any width, with the text beside it in HTML.

All of them share one time axis from left to right. A drawing is 1000 units wide and is stretched
to its column; lines keep their width, and text is never inside, so it keeps its size.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import formats
from .markup import Markup, join, tag

WIDTH = 1000.0
_COLOURS = 9
_LANE_HEIGHT = 18.0
# Widths in pixels that flags are laid out for: the plot on a wide and on a narrow screen.
_SCREENS = (("wide", 860.0), ("narrow", 330.0))
_FLAG_CHARACTER_PIXELS = 7.0
_FLAG_EDGE_PIXELS = 12.0
_FLAG_ROW_PIXELS = 22.0
_MOST_FLAG_ROWS = 4
# What a term's label takes of a narrow plot's width.
_TERM_SHARE = 0.16
_MOST_DOTS = 500
# With more marks than this only the faults are drawn; the list has all of them.
_MOST_MARKS = 20


@dataclasses.dataclass(frozen=True)
class Frame:
    """What all charts of a page share: the time axis, the marks, and who has which colour."""

    seconds: float
    marks: Sequence[Mapping[str, Any]]
    colours: Mapping[str, str]

    def x(self, at: float) -> float:
        """Where a moment is, from 0 to 1000."""
        return max(0.0, min(WIDTH, at / self.seconds * WIDTH))

    def colour(self, name: str) -> str:
        """The style class of a name."""
        return self.colours.get(name, "c-other")

    def shown(self) -> list[tuple[int, Mapping[str, Any]]]:
        """The marks to draw, with their numbers in the list."""
        crowded = len(self.marks) > _MOST_MARKS
        return [
            (index, mark)
            for index, mark in enumerate(self.marks, 1)
            if not crowded or mark["mark"] == "fault"
        ]

    def windows(self, height: float) -> Markup:
        """The stretches between fault and settled, for behind the drawing."""
        parts = []
        opened: float | None = None
        for mark in self.marks:
            if mark["mark"] == "fault" and opened is None:
                opened = mark["at"]
            elif mark["mark"] == "settled" and opened is not None:
                parts.append(self._window(opened, mark["at"], height))
                opened = None
        if opened is not None:
            parts.append(self._window(opened, self.seconds, height))
        return join(*parts)

    def lines(self, height: float) -> Markup:
        """A line for each mark, for in front of the drawing."""
        parts = []
        thin = " thin" if len(self.marks) > _MOST_MARKS else ""
        for _index, mark in self.shown():
            line = f"M{self.x(mark['at']):.2f} 0V{height:g}"
            title = tag("title", mark_title(mark))
            parts.append(tag("path", title, d=line, class_=f"mark m-{mark['mark']}{thin}"))
        return join(*parts)

    def _window(self, start: float, end: float, height: float) -> Markup:
        x = self.x(start)
        return tag("rect", x=x, y=0, width=self.x(end) - x, height=height, class_="window")


def frame(data: Mapping[str, Any]) -> Frame:
    """The frame of a history's series."""
    names = list(data["instances"])
    for lane in data["leader"]:
        names += [span["value"] for span in lane["spans"] if span["value"] not in (None, "nobody")]
    unique = list(dict.fromkeys(names))
    colours = {name: f"c{index % _COLOURS}" for index, name in enumerate(unique)}
    return Frame(data["seconds"], data["marks"], colours)


def mark_title(mark: Mapping[str, Any]) -> str:
    """A mark in one sentence."""
    hosts = " ".join([*mark["hosts"], *mark["addresses"]])
    parts = [mark["mark"], hosts, mark["detail"]]
    return f"{mark['at']:.2f} s: " + ", ".join(part for part in parts if part)


def flags(frame: Frame) -> Markup:
    """The marks' labels above the charts, in as many rows as keep them apart."""
    return join(*(_flags(frame, screen, pixels) for screen, pixels in _SCREENS))


def axis(frame: Frame) -> Markup:
    """The time axis; a narrow screen shows every second of its moments."""
    labels = []
    for index, at in enumerate(formats.ticks(frame.seconds, 10)):
        share = at / frame.seconds
        edge = "first" if share < 0.03 else "last" if share > 0.94 else "between"
        kind = f"tick {edge}" + (" minor" if index % 2 else "")
        text = formats.clock(at, frame.seconds)
        labels.append(tag("span", text, class_=kind, style=f"left:{share:.2%}"))
    return tag("div", tag("div", class_="side"), tag("div", *labels, class_="axis"), class_="row")


def rate(frame: Frame, data: Mapping[str, Any]) -> Markup:
    """Requests per second, stacked by the instance that answered; failed ones are red, on top."""
    bucket, height, strip = data["bucket_seconds"], 180.0, 16.0
    totals = [sum(one["by"].values()) + one["failed"] + one["late"] for one in data["rate"]]
    # The last bucket is rarely full, and the first ones after a stall are overfull.
    top = max([1.0, *totals]) / bucket * 1.05
    bars: dict[str, list[str]] = {}
    hovers, dots = [], []
    for one in data["rate"]:
        left, right = frame.x(one["at"]), frame.x(one["at"] + bucket)
        level = 0.0
        pieces = [*one["by"].items(), ("late", one["late"]), ("failed", one["failed"])]
        for name, many in pieces:
            if not many:
                continue
            tall = many / bucket / top * (height - strip)
            y = height - level - tall
            bars.setdefault(name, []).append(
                f"M{left:.2f} {y:.2f}H{right:.2f}V{y + tall:.2f}H{left:.2f}Z"
            )
            level += tall
        text = ", ".join(f"{name} {many}" for name, many in pieces if many)
        title = tag("title", f"{one['at']:g} s to {one['at'] + bucket:g} s: {text}")
        hovers.append(
            tag("rect", title, x=left, y=0, width=right - left, height=height, class_="hover")
        )
        if one["failed"]:
            middle = (left + right) / 2
            title = tag("title", f"{one['at']:g} s: {one['failed']} failed")
            dots.append(tag("path", title, d=f"M{middle:.2f} {strip / 2:g}h0", class_="dot failed"))
    order = [*data["instances"], "?", "late", "failed"]
    shapes = [
        tag("path", d="".join(bars[name]), class_=f"bar {_bar_class(frame, name)}")
        for name in order
        if name in bars
    ]
    grid = [
        (1 - (value / top) * (1 - strip / height), formats.count(value))
        for value in _round_values(top)
    ]
    plot = _plot(frame, height, grid, [*shapes, *hovers, *dots])
    entries = [(frame.colour(name), name) for name in data["instances"]]
    entries += [("c-other", "unnamed")] if "?" in bars else []
    entries += [("failed", "failed")] if "failed" in bars else []
    entries += [("late", "not sent in time")] if "late" in bars else []
    return _figure("Requests per second, by who answered", plot, legend(entries))


def latency(frame: Frame, data: Mapping[str, Any]) -> Markup:
    """Latencies on a logarithmic axis, failed requests as dots where they were given up."""
    height = 180.0
    failures = data["failures"]
    values = [one[key] for one in data["latency"] for key in ("p50", "max")]
    values += [one["ms"] for one in failures]
    if not values:
        return Markup("")
    low = math.floor(math.log10(max(0.1, min(values))))
    high = max(low + 1, math.ceil(math.log10(max(values) * 1.05)))

    def y(ms: float) -> float:
        share: float = (math.log10(max(ms, 10.0**low)) - low) / (high - low)
        return height * (1 - share)

    shapes = []
    gap = data["bucket_seconds"] * 1.5
    for key in ("max", "p99", "p50"):
        points, before = [], -math.inf
        for one in data["latency"]:
            command = "M" if one["at"] - before > gap else "L"
            points.append(f"{command}{frame.x(one['at'] + gap / 3):.2f} {y(one[key]):.2f}")
            before = one["at"]
        shapes.append(tag("path", d="".join(points), class_=f"line {key}"))
    for one in failures[:_MOST_DOTS]:
        text = f"{one['at']:.2f} s: {one['method']} {one['connection']} {one['error']}"
        text += f" after {formats.milliseconds(one['ms'])}"
        point = f"M{frame.x(one['at']):.2f} {min(height - 4, max(4.0, y(one['ms']))):.2f}h0"
        shapes.append(tag("path", tag("title", text), d=point, class_="dot failed"))
    for one in data["latency"]:
        text = ", ".join(f"{key} {formats.milliseconds(one[key])}" for key in ("p50", "p99", "max"))
        left = frame.x(one["at"])
        width = frame.x(one["at"] + data["bucket_seconds"]) - left
        title = tag("title", f"{one['at']:g} s: {text}")
        shapes.insert(
            0, tag("rect", title, x=left, y=0, width=width, height=height, class_="hover")
        )
    grid = [
        (y(10.0**power) / height, formats.milliseconds(10.0**power))
        for power in range(low, high + 1)
    ]
    entries = [("line p50", "p50"), ("line p99", "p99"), ("line max", "max")]
    entries += [("failed", "failed, when given up")] if failures else []
    heading = "Latency from the moment a request was due"
    return _figure(heading, _plot(frame, height, grid, shapes), legend(entries))


def lanes(
    frame: Frame,
    title: str,
    rows: Iterable[tuple[str, Sequence[Mapping[str, Any]]]],
    kinds: Mapping[str, tuple[str, str]],
) -> Markup:
    """One bar per row, coloured by value; `kinds` gives known values a class and a word.

    Any other value is a name and has that name's colour; None is silence.
    """
    drawn, used = [], dict[tuple[str, str], None]()
    for name, spans in rows:
        bars = []
        for span in spans:
            value = "silent" if span["value"] is None else str(span["value"])
            kind, word = kinds.get(value, (frame.colour(value), value))
            used[(kind, word)] = None
            left, right = frame.x(span["from"]), frame.x(span["to"])
            text = f"{name}: {word} from {span['from']:.2f} s to {span['to']:.2f} s"
            bars.append(
                tag(
                    "rect",
                    tag("title", text),
                    x=left,
                    y=3,
                    # A short span is the very one that has to be seen.
                    width=max(right - left, 1.5),
                    height=_LANE_HEIGHT - 6,
                    class_=f"bar {kind}",
                )
            )
        side = tag("div", tag("span", name, class_="name"), class_="side", title=name)
        plot = _svg(frame, _LANE_HEIGHT, bars)
        drawn.append(tag("div", side, tag("div", plot, class_="plot"), class_="row lane"))
    return _figure(title, join(*drawn), legend(list(used))) if drawn else Markup("")


def terms(frame: Frame, data: Mapping[str, Any]) -> Markup:
    """The term: a label where it was first seen, and where it rose."""
    labels: list[Markup] = []
    free = 1.0
    # From the end on, so that of several terms at one place the latest is named.
    for one in reversed(data["terms"]):
        share = frame.x(one["at"]) / WIDTH
        last = share + _TERM_SHARE > 1
        left, right = (share - _TERM_SHARE, share) if last else (share, share + _TERM_SHARE)
        if right <= free:
            free = left
            kind = f"tick {'last' if last else 'first'}"
            text = f"term {one['term']}"
            labels.insert(0, tag("span", text, class_=kind, style=f"left:{share:.2%}"))
    if not labels:
        return Markup("")
    rises = [
        tag(
            "path",
            tag("title", f"{one['at']:.2f} s: term {one['term']}"),
            d=f"M{frame.x(one['at']):.2f} {_LANE_HEIGHT / 2:g}h0",
            class_="dot term",
        )
        for one in data["terms"]
    ]
    plot = tag("div", _svg(frame, _LANE_HEIGHT, rises), class_="plot")
    side = tag("div", tag("span", "term", class_="name"), class_="side")
    row = tag("div", side, plot, class_="row lane")
    below = tag("div", tag("div", class_="side"), tag("div", *labels, class_="axis"), class_="row")
    return join(row, below)


def steps(frame: Frame, metric: Mapping[str, Any]) -> Markup:
    """A metric as a step line with its least and its greatest value."""
    height = 44.0
    values: list[float] = [point["value"] for point in metric["points"]]
    least, greatest = min(values), max(values)
    span = greatest - least or 1.0

    def y(value: float) -> float:
        return height - 6 - (value - least) / span * (height - 12)

    path = f"M{frame.x(metric['points'][0]['at']):.2f} {y(values[0]):.2f}"
    dots = []
    for point in metric["points"]:
        path += f"H{frame.x(point['at']):.2f}V{y(point['value']):.2f}"
        text = f"{point['at']:.2f} s: {formats.count(point['value'])}"
        place = f"M{frame.x(point['at']):.2f} {y(point['value']):.2f}h0"
        dots.append(tag("path", tag("title", text), d=place, class_="dot step"))
    shapes = [tag("path", d=path + f"H{WIDTH:g}", class_="line step"), *dots]
    grid = [(y(value) / height, formats.count(value)) for value in sorted({least, greatest})]
    return _figure(metric["name"], _plot(frame, height, grid, shapes), Markup(""), small=True)


def legend(entries: Iterable[tuple[str, str]]) -> Markup:
    """What the colours mean."""
    items = [tag("li", tag("span", class_=f"swatch {kind}"), word) for kind, word in entries]
    return tag("ul", *items, class_="legend") if items else Markup("")


def _flags(frame: Frame, screen: str, pixels: float) -> Markup:
    """The flags for a plot of this width; only their numbers where the words take many rows."""
    for text in (_flag_text, _flag_number):
        placed = _placed(
            [(mark["at"], text(index, mark)) for index, mark in frame.shown()],
            frame.seconds,
            pixels,
        )
        rows = 1 + max((row for row, _right in placed), default=0)
        if rows <= _MOST_FLAG_ROWS:
            break
    spans = []
    for (index, mark), (row, right) in zip(frame.shown(), placed, strict=True):
        style = f"left:{frame.x(mark['at']) / WIDTH:.2%};top:{row * _FLAG_ROW_PIXELS:g}px"
        kind = f"flag m-{mark['mark']}" + (" right" if right else "")
        label = text(index, mark)
        spans.append(tag("span", label, class_=kind, style=style, title=mark_title(mark)))
    box = tag("div", *spans, class_="flags", style=f"height:{rows * _FLAG_ROW_PIXELS:g}px")
    return tag("div", tag("div", class_="side"), box, class_=f"row {screen}")


def _placed(
    labels: Sequence[tuple[float, str]], length: float, pixels: float
) -> list[tuple[int, bool]]:
    """For each label its row, and whether it hangs to the left of its moment."""
    ends: list[float] = []
    found = []
    for at, text in labels:
        x = at / length * pixels
        width = len(text) * _FLAG_CHARACTER_PIXELS + _FLAG_EDGE_PIXELS
        right = x + width > pixels and x > width
        left = x - width if right else x
        row = next((index for index, end in enumerate(ends) if end <= left), len(ends))
        ends[row : row + 1] = [left + width + 2]
        found.append((row, right))
    return found


def _flag_text(index: int, mark: Mapping[str, Any]) -> str:
    return " ".join([str(index), mark["mark"], *mark["hosts"]])


def _flag_number(index: int, mark: Mapping[str, Any]) -> str:
    return str(index)


def _bar_class(frame: Frame, name: str) -> str:
    return name if name in ("failed", "late") else frame.colour(name)


def _round_values(top: float) -> list[float]:
    """Two to five round values up to the top."""
    step: float = 10.0 ** math.floor(math.log10(top))
    if top / step < 2:
        step /= 5
    elif top / step < 5:
        step /= 2
    return [index * step for index in range(int(top / step) + 1)]


def _plot(
    frame: Frame, height: float, grid: Sequence[tuple[float, str]], shapes: Sequence[str]
) -> Markup:
    """A drawing with its value axis: lines across, values at their left."""
    lines = [
        tag("path", d=f"M0 {share * height:.2f}H{WIDTH:g}", class_="grid") for share, _text in grid
    ]
    values = [
        tag("span", text, class_="value", style=f"top:{min(0.96, max(0.04, share)):.2%}")
        for share, text in grid
    ]
    plot = tag("div", _svg(frame, height, [*lines, *shapes]), class_="plot")
    return tag("div", tag("div", *values, class_="side"), plot, class_="row chart")


def _svg(frame: Frame, height: float, shapes: Sequence[str]) -> Markup:
    return tag(
        "svg",
        frame.windows(height),
        *shapes,
        frame.lines(height),
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        preserveAspectRatio="none",
        style=f"height:{height:g}px",
        role="img",
    )


def _figure(title: str, content: Markup, below: Markup, *, small: bool = False) -> Markup:
    heading = tag("figcaption", title, class_="small" if small else None)
    return tag("figure", heading, below, content)
