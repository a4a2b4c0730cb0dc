# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""A stack as an SVG. The same values give the same text. No I/O."""

from __future__ import annotations

from .layout import INNER, LEFT, RIGHT, WIDTH, Chip, Group, Place, lay_out
from .markup import element, escape, fitted, words
from .style import STYLE
from .system import System

# Left of the hosts run the requests, right of them the cluster's own talk.
_USERS, _REQUESTS, _LIST, _REGISTERS, _CLUSTER = 18.0, 36.0, RIGHT - 16, RIGHT + 18, RIGHT + 36
_LEGEND = (
    ("passing", "passes its checks"),
    ("warning", "warns"),
    ("critical", "fails its checks"),
    ("none", "is not registered"),
    ("requests", "requests"),
    ("registers", "registers"),
    ("cluster", "Consul's cluster"),
    ("list", "who is healthy"),
)


def picture(system: System, title: str) -> str:
    """The SVG of a stack under a title."""
    top = 92.0 if system.problem else 72.0
    places = lay_out(system, top)
    bottom = places[-1].box.bottom if places else top
    strays = _elsewhere(system, bottom + 26)
    legend = bottom + 34 + 20 * len(strays)
    height = legend + 22 * (len(_LEGEND) // 2) + 6
    return (
        element(
            "svg",
            element("title", escape(title)),
            element("style", STYLE),
            element("defs", *(_tip(kind) for kind in ("requests", "registers", "list"))),
            element("rect", class_="page", width=WIDTH, height=height),
            words(fitted(title, WIDTH - 24, 17), 12, 26, class_="head"),
            *([words(system.problem, 12, 48, class_="trouble")] if system.problem else ()),
            *(_host(place) for place in places),
            *_requests(places, top),
            *_registrations(system, places),
            *_cluster(places),
            *_lists(places),
            *strays,
            *_legend(legend),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
            width=WIDTH,
            height=height,
            role="img",
        )
        + "\n"
    )


def _host(place: Place) -> str:
    """A machine with all that is on it."""
    box, host = place.box, place.host
    inside = [
        element("rect", class_="host", x=box.x, y=box.y, width=box.width, height=box.height, rx=10),
        words(fitted(host.name, 300, 16), box.x + 16, box.y + 26, class_="name"),
        words(host.address, box.right - 16, box.y + 26, class_="soft end"),
    ]
    if host.problem:
        text = fitted(host.problem, box.width - 32, 13)
        line = words(text, box.x + 16, box.y + 46, class_="trouble")
        inside.append(element("g", element("title", escape(host.problem)), line))
    chips = (*place.balancers, *place.registrators, *place.agents)
    return element("g", *inside, *map(_group, place.groups), *map(_chip, chips))


def _group(group: Group) -> str:
    """A service's containers in their frame."""
    box = group.box
    return element(
        "g",
        element("rect", class_="group", x=box.x, y=box.y, width=box.width, height=box.height, rx=8),
        words(group.label, box.x + 10, box.y + 19, class_="soft"),
        *map(_chip, group.chips),
    )


def _chip(chip: Chip) -> str:
    """A box, its two lines and its mark."""
    box = chip.box
    state = " ill" if chip.ill else " leads" if chip.leads else ""
    parts = [
        element("title", escape(chip.tooltip)),
        element(
            "rect",
            class_=chip.kind + state,
            x=box.x,
            y=box.y,
            width=box.width,
            height=box.height,
            rx=7,
        ),
        words(chip.name, box.x + 10, box.y + 19, class_="name"),
        words(chip.line, box.x + 10, box.y + 37, class_="soft"),
    ]
    if chip.mark:
        parts.append(element("circle", class_=chip.mark, cx=box.right - 15, cy=box.y + 15, r=6))
    return element("g", *parts)


def _requests(places: tuple[Place, ...], top: float) -> list[str]:
    """From the users to each balancer, and from there to every service with a healthy instance."""
    balancers = [chip for place in places for chip in place.balancers]
    if not balancers:
        return []
    fed = [group.box for place in places for group in place.groups if group.fed]
    lines = [
        _line("requests", f"M{_USERS},{top - 18} V{chip.box.y + 14} H{chip.box.x - 2}", tip=True)
        for chip in balancers
    ]
    starts = [chip.box.y + 34 for chip in balancers]
    levels = [*starts, *(box.middle for box in fed)]
    if fed:
        lines += [_line("requests", f"M{INNER[0]},{y} H{_REQUESTS}") for y in starts]
        lines.append(_line("requests", f"M{_REQUESTS},{min(levels)} V{max(levels)}"))
    lines += [_line("requests", f"M{_REQUESTS},{box.middle} H{box.x - 2}", tip=True) for box in fed]
    return [words("users", 12, top - 24, class_="soft"), *lines]


def _registrations(system: System, places: tuple[Place, ...]) -> list[str]:
    """From the services to the Registrator of their host, and from it to its agent."""
    agents = {
        agent.node: chip
        for place in places
        for agent in [system.agent(place.host)]
        for chip in place.agents
        if agent is not None
    }
    lines = []
    for place in places:
        for chip in place.registrators[:1]:
            if place.groups and chip.kind:
                x, last = chip.box.x + chip.box.width / 2, place.groups[-1].box.bottom
                lines.append(_line("registers", f"M{x},{last} V{chip.box.y - 2}", tip=True))
            own = place.agents[:1]
            if own:
                path = f"M{chip.box.right},{chip.box.middle} H{own[0].box.x - 2}"
                lines.append(_line("registers", path, tip=True))
            else:
                nodes = {
                    each.node for each in system.instances if each.address == place.host.address
                }
                for node in sorted(nodes & set(agents)):
                    box = agents[node].box
                    path = (
                        f"M{chip.box.right},{chip.box.middle} H{_REGISTERS} "
                        f"V{box.bottom - 10} H{box.right + 2}"
                    )
                    lines.append(_line("registers", path, tip=True))
    return lines


def _cluster(places: tuple[Place, ...]) -> list[str]:
    """What joins the agents that are well."""
    ends = [chip.box for place in places for chip in place.agents if not chip.ill]
    if len(ends) < 2:
        return []
    levels = [box.middle for box in ends]
    return [
        *(_line("cluster", f"M{box.right},{box.middle} H{_CLUSTER}") for box in ends),
        _line("cluster", f"M{_CLUSTER},{min(levels)} V{max(levels)}"),
    ]


def _lists(places: tuple[Place, ...]) -> list[str]:
    """From an agent that is well to the balancer on its host: the list of the healthy."""
    return [
        _line(
            "list",
            f"M{agent.box.right},{agent.box.y + 10} H{_LIST} "
            f"V{chip.box.middle} H{chip.box.right + 2}",
            tip=True,
        )
        for place in places
        for agent in place.agents[:1]
        for chip in place.balancers
        if not agent.ill
    ]


def _elsewhere(system: System, top: float) -> list[str]:
    """Registrations that belong to no host."""
    return [
        words(
            fitted(f"{each.service} at {each.place}: {each.status}, on no host", 500, 13),
            LEFT,
            top + 20 * number,
            class_="trouble",
        )
        for number, each in enumerate(system.elsewhere())
    ]


def _legend(top: float) -> list[str]:
    """What marks and lines mean."""
    rows = len(_LEGEND) // 2
    drawn = []
    for number, (kind, meaning) in enumerate(_LEGEND):
        x, y = LEFT + 250 * (number // rows), top + 22 * (number % rows)
        mark = (
            element("circle", class_=kind, cx=x + 8, cy=y, r=6)
            if number < rows
            else _line(kind, f"M{x - 10},{y} H{x + 14}")
        )
        drawn += [mark, words(meaning, x + 24, y + 5, class_="soft")]
    return drawn


def _line(kind: str, path: str, *, tip: bool = False) -> str:
    """A line, with an arrow's tip at its end."""
    return element(
        "path", class_=f"line {kind}", d=path, marker_end=f"url(#{kind})" if tip else None
    )


def _tip(kind: str) -> str:
    """An arrow's tip in its line's colour."""
    shape = element("path", class_=f"tip-{kind}", d="M0,0 L9,5 L0,10 z")
    return element(
        "marker",
        shape,
        id=kind,
        viewBox="0 0 10 10",
        refX=8,
        refY=5,
        markerWidth=6,
        markerHeight=6,
        orient="auto",
    )
