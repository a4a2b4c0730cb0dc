"""Elements as text, everything from outside escaped."""

from __future__ import annotations

import html


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """An element. `class_` stands for class, `stroke_width` for stroke-width; None leaves out."""
    words = [name]
    for key, value in attributes.items():
        if value is not None:
            attribute = key.rstrip("_").replace("_", "-")
            words.append(f'{attribute}="{html.escape(number(value), quote=True)}"')
    inner = join(*children)
    return Markup(f"<{' '.join(words)}>{inner}</{name}>")


def join(*children: str) -> Markup:
    """Children one after the other; what is no markup is escaped."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else html.escape(child, quote=False)
            for child in children
        )
    )


def number(value: str | float) -> str:
    """A coordinate as short as it may be."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
