# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Elements of an SVG as text. Whatever comes from outside is escaped. No I/O."""

from __future__ import annotations

import html
import re

# What XML has no room for, escaped or not.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape(text: str) -> str:
    """Text for an element or an attribute."""
    return html.escape(_FORBIDDEN.sub("?", text))


def element(name: str, *children: str, **attributes: str | float | None) -> str:
    """An element; `class_` stands for class, `text_anchor` for text-anchor, None leaves out.

    Children are markup.
    """
    words = [name] + [
        f'{key.rstrip("_").replace("_", "-")}="{escape(_shown(value))}"'
        for key, value in attributes.items()
        if value is not None
    ]
    if not children:
        return f"<{' '.join(words)}/>"
    return f"<{' '.join(words)}>{''.join(children)}</{name}>"


def words(text: str, x: float, y: float, **attributes: str | float | None) -> str:
    """A line of text, its baseline at y."""
    return element("text", escape(text), x=x, y=y, **attributes)


def fitted(text: str, width: float, size: float) -> str:
    """Text cut to a width, with an ellipsis; `size` is the font's, all in the same unit.

    A character of the widest common sans-serif takes 0.62 of the size on average.
    """
    most = max(1, int(width / (size * 0.62)))
    return text if len(text) <= most else text[: most - 1] + "…"


def _shown(value: str | float) -> str:
    """A number as short as it may be."""
    return value if isinstance(value, str) else f"{value:.1f}".rstrip("0").rstrip(".")
