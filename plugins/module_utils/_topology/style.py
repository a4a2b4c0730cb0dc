# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Colours for light and dark, in the picture itself: it is seen in pages that have neither.

Colours stand in each rule: what draws pictures outside of browsers knows no variables of CSS, and
then no media query either, so that it shows the light ones.
"""

from __future__ import annotations

import typing as t

_LIGHT = {
    "page": "#fff",
    "box": "#f5f7fa",
    "edge": "#7b8794",
    "ink": "#1f2933",
    "soft": "#52606d",
    "balancer": "#e3f2fd",
    "balancer-edge": "#1565c0",
    "service": "#fff3e0",
    "service-edge": "#b26a00",
    "registrator": "#e0f5f2",
    "registrator-edge": "#0c7a80",
    "consul": "#fbe9f3",
    "consul-edge": "#ab2a60",
    "passing": "#1b7f3b",
    "warning": "#b26a00",
    "critical": "#c62828",
}
_DARK = {
    "page": "#12171d",
    "box": "#1c242d",
    "edge": "#7f8c99",
    "ink": "#eef2f6",
    "soft": "#b0bcc8",
    "balancer": "#12304d",
    "balancer-edge": "#64b5f6",
    "service": "#3d2c10",
    "service-edge": "#ffb74d",
    "registrator": "#0e3638",
    "registrator-edge": "#4dd0c8",
    "consul": "#43192e",
    "consul-edge": "#f48fb1",
    "passing": "#66d17f",
    "warning": "#ffb74d",
    "critical": "#ff8a80",
}
# Selector, fill, stroke; None where a rule leaves it alone. Of rules that fit, the later counts.
_COLOURED: tuple[tuple[str, str | None, str | None], ...] = (
    (".page", "page", None),
    (".host", "box", "edge"),
    ("text", "ink", None),
    (".soft", "soft", None),
    (".balancer", "balancer", "balancer-edge"),
    (".service", "service", "service-edge"),
    (".registrator", "registrator", "registrator-edge"),
    (".consul", "consul", "consul-edge"),
    (".group", None, "edge"),
    (".ill", None, "critical"),
    (".passing", "passing", None),
    (".warning", "warning", None),
    (".critical", "critical", None),
    (".none", None, "soft"),
    (".trouble", "critical", None),
    (".requests", None, "balancer-edge"),
    (".registers", None, "registrator-edge"),
    (".cluster", None, "consul-edge"),
    (".list", None, "consul-edge"),
    (".tip-requests", "balancer-edge", None),
    (".tip-registers", "registrator-edge", None),
    (".tip-list", "consul-edge", None),
)
_SHAPES = """
svg{font-family:system-ui,"DejaVu Sans",Helvetica,Arial,sans-serif}
text{font-size:15px}.name{font-weight:600}.soft{font-size:13px}
.head{font-size:17px;font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}
.group{fill:none;stroke-dasharray:2 3}
.leads{stroke-width:3}.ill{stroke-width:2;stroke-dasharray:6 4}
.none{fill:none;stroke-width:2}
.trouble{font-size:13px}
.line{fill:none;stroke-width:2}
.list{stroke-dasharray:5 4}
"""


def _coloured(palette: t.Mapping[str, str]) -> str:
    """The rules that colour, a line each."""
    rules = []
    for selector, fill, stroke in _COLOURED:
        said = (("fill", fill), ("stroke", stroke))
        words = ";".join(f"{name}:{palette[colour]}" for name, colour in said if colour)
        rules.append(f"{selector}{{{words}}}\n")
    return "".join(rules)


STYLE = f"{_SHAPES}{_coloured(_LIGHT)}@media (prefers-color-scheme:dark){{\n{_coloured(_DARK)}}}\n"
