"""The HTML page: verdict, figures, method and charts, in one self-contained file."""

from __future__ import annotations

import datetime
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import charts, formats
from .markup import Markup, tag

_STYLE = pathlib.Path(__file__).with_name("style.css")
_STATUS = {
    "held": "Every bound held",
    "missed": "A bound was missed",
    "unstable": "Unstable: repeat the drill",
}


def page(data: Mapping[str, Any]) -> str:
    """The whole document of a history's series."""
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        tag("title", data["name"]),
        tag("style", Markup(_STYLE.read_text(encoding="utf-8"))),
    )
    body = tag(
        "body",
        tag(
            "main",
            _opening(data),
            tag("div", _bounds(data["verdict"]), _figures(data), class_="columns"),
            _timeline(data),
            tag("div", _events(data), _effects(data), class_="columns"),
            _method(data),
        ),
    )
    return f'<!DOCTYPE html>\n<html lang="en">{head}{body}</html>\n'


def _opening(data: Mapping[str, Any]) -> Markup:
    verdict = data["verdict"]
    status = verdict["status"]
    description = tag("p", data["description"]) if data["description"] else Markup("")
    reasons = [tag("li", reason) for reason in verdict["reasons"]]
    return tag(
        "header",
        tag("h1", data["name"]),
        description,
        tag("p", _STATUS[status], class_=f"status s-{status}"),
        tag("ul", *reasons, class_="reasons") if reasons else Markup(""),
    )


def _bounds(verdict: Mapping[str, Any]) -> Markup:
    rows = [
        (
            tag("span", line["name"], title=line["meaning"]),
            line["wanted"],
            formats.UNKNOWN
            if line["measured"] is None
            else formats.count(round(line["measured"], 3)),
            tag("span", "yes", class_="yes") if line["held"] else tag("span", "no", class_="no"),
        )
        for line in verdict["bounds"]
    ]
    return _section("Bounds", _table(("bound", "wanted", "measured", "held"), rows))


def _figures(data: Mapping[str, Any]) -> Markup:
    figures = data["verdict"]["figures"]
    calm, fault = figures["calm_ms"], figures["fault_ms"]
    terms = figures["terms"]
    failed = f"{formats.count(figures['failed'])} of {formats.count(figures['requests'])} requests"
    rows = [
        ("failed", failed),
        ("… GET, POST", f"{figures['failed_get']}, {figures['failed_post']}"),
        ("slowest", formats.seconds(figures["slowest_s"])),
        ("calm: p50, p99, p99.9", _percentiles(calm)),
        ("under fault: p50, p99, p99.9", _percentiles(fault)),
        ("longest without a leader", formats.seconds(figures["leaderless_s"])),
        ("fault to new leader", formats.seconds(figures["new_leader_after_s"])),
        ("fault to last use", formats.seconds(figures["out_of_rotation_s"])),
        ("fault to gone from the catalog", formats.seconds(figures["out_of_catalog_s"])),
        ("healing to first answer", formats.seconds(figures["back_after_s"])),
        (
            "elections, unprovoked",
            f"{formats.count(figures['elections'])}, {figures['unprovoked_elections']}",
        ),
        ("terms", formats.UNKNOWN if terms is None else f"{terms[0]} to {terms[1]}"),
        ("reloads", formats.count(figures["reloads"])),
        ("not sent in time", formats.count(figures["probe_late"])),
        ("longest stall of the observer", formats.seconds(figures["longest_stall_s"])),
    ]
    known = [row for row in rows if formats.UNKNOWN not in row]
    return _section("Figures", _table((), known))


def _timeline(data: Mapping[str, Any]) -> Markup:
    frame = charts.frame(data)
    silent = {"silent": ("silent", "does not answer")}
    parts = [
        charts.flags(frame),
        charts.rate(frame, data),
        charts.axis(frame),
        charts.latency(frame, data),
        charts.axis(frame),
        charts.lanes(
            frame,
            "Leader, as each agent sees it",
            ((lane["name"], lane["spans"]) for lane in data["leader"]),
            {"nobody": ("none", "no leader"), **silent},
        ),
        charts.terms(frame, data),
        charts.lanes(
            frame,
            "Consistent reads",
            [("any agent", [{**reads, "value": reads["answered"]} for reads in data["reads"]])]
            if data["reads"]
            else [],
            {"True": ("good", "a leader answers"), "False": ("none", "no leader answers")},
        ),
        charts.lanes(
            frame,
            "Members",
            ((lane["name"], lane["spans"]) for lane in data["members"]),
            {
                "alive": ("good", "alive"),
                "failed": ("bad", "failed"),
                "left": ("away", "left"),
                "leaving": ("away", "leaving"),
                "gone": ("away", "unknown"),
                "none": ("away", "unknown"),
                "disputed": ("disputed", "agents differ"),
                **silent,
            },
        ),
        charts.lanes(
            frame,
            "Passing instances",
            ((f"{lane['node']} {lane['name']}", lane["spans"]) for lane in data["passing"]),
            {
                "passing": ("good", "passing"),
                "gone": ("away", "not listed"),
                "disputed": ("disputed", "agents differ"),
                **silent,
            },
        ),
        *(charts.steps(frame, metric) for metric in data["metrics"]),
        charts.axis(frame),
    ]
    return tag("section", tag("h2", "Timeline"), *parts, class_="timeline")


def _events(data: Mapping[str, Any]) -> Markup:
    """The marks, with the numbers of their flags."""
    rows = [
        (
            str(index),
            f"{mark['at']:.1f}\u00a0s",
            tag("span", mark["mark"], class_=f"word m-{mark['mark']}"),
            " ".join([*mark["hosts"], *mark["addresses"]]),
            mark["detail"],
        )
        for index, mark in enumerate(data["marks"], 1)
    ]
    if not rows:
        return Markup("")
    return _section("Marks", _table(("", "when", "mark", "hosts", "detail"), rows))


def _effects(data: Mapping[str, Any]) -> Markup:
    """The tables by fault, by kind of failure, and by instance."""
    figures = data["verdict"]["figures"]
    parts: list[Markup] = []
    head: tuple[str, ...]
    if figures["targets"]:
        head = ("target", "fault at", "last use", "out of catalog", "back")
        hit = (
            (
                one["target"],
                f"{one['fault_at'] - data['started']:.1f}\u00a0s",
                formats.seconds(one["out_of_rotation_s"]),
                formats.seconds(one["out_of_catalog_s"]),
                formats.seconds(one["back_after_s"]),
            )
            for one in figures["targets"]
        )
        parts.append(_section("Effect of each fault", _table(head, hit)))
    if figures["failures"]:
        head = ("method", "connection", "error", "requests")
        kinds = (
            (one["method"], one["connection"], one["error"], formats.count(one["count"]))
            for one in figures["failures"]
        )
        parts.append(_section("Failures", _table(head, kinds)))
    total = sum(figures["distribution"].values())
    if total:
        shares = (
            (name, formats.count(many), f"{many / total:.1%}")
            for name, many in figures["distribution"].items()
        )
        parts.append(
            _section("Requests by instance", _table(("instance", "requests", "share"), shares))
        )
    return tag("div", *parts)


def _method(data: Mapping[str, Any]) -> Markup:
    taken = data["taken"]
    when = datetime.datetime.fromtimestamp(data["started"], datetime.UTC)
    sentences = [
        f"{taken['rate']:g} requests per second to {taken['url']}, each sent when it was due, "
        f"independent of the others, and never repeated. {taken['post']:.0%} were POSTs, "
        f"{taken['fresh']:.0%} had a new connection, the others used kept ones in turn. "
        f"A request failed without a complete 2xx response within {taken['timeout']:g} s after "
        f"it was due; latencies count from the same moment.",
        f"The Consul agents {', '.join(taken['consul'])} were polled for {taken['service']}."
        if taken["consul"]
        else "No Consul agent was polled.",
        f"Recorded for {data['seconds']:.0f} s from {when:%Y-%m-%d %H:%M:%S} UTC, with "
        + ", ".join(f"{name} {version}" for name, version in taken["versions"].items())
        + ".",
    ]
    return tag(
        "section",
        tag("h2", "Method"),
        *(tag("p", sentence) for sentence in sentences),
    )


def _percentiles(values: Mapping[str, float]) -> str:
    if not values:
        return formats.UNKNOWN
    return ", ".join(formats.milliseconds(values[name]) for name in ("p50", "p99", "p99.9"))


def _section(title: str, content: Markup) -> Markup:
    return tag("section", tag("h2", title), content)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    cells = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    titles = [tag("thead", tag("tr", *(tag("th", title) for title in head)))] if head else []
    table = tag("table", *titles, tag("tbody", *cells))
    return tag("div", table, class_="scroll")
