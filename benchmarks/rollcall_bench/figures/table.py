"""Figures side by side, and what the first column is of each other one. Pure."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Iterator, Sequence


@dataclasses.dataclass(frozen=True)
class Row:
    """A figure of each that is compared, with as many decimals as mean something."""

    title: str
    values: tuple[float, ...]
    decimals: int = 0


def table(names: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    """The lines of a table; a ratio to what is nothing is a dash."""
    ours, *others = names
    ratios = [f"{ours} / {name}" for name in others]
    first = max(len(row.title) for row in rows)
    width = max(map(len, ratios)) + 3
    yield " " * first + "".join(f"{name:>{width}}" for name in (*names, *ratios))
    for row in rows:
        mine, *theirs = row.values
        cells = [f"{value:.{row.decimals}f}" for value in row.values]
        cells += [f"{mine / value:.3f}" if value > 0 else "-" for value in theirs]
        yield f"{row.title:{first}}" + "".join(f"{cell:>{width}}" for cell in cells)


def in_turns(names: Iterable[str], turns: int) -> Iterator[tuple[int, str]]:
    """The number of the turn and whose it is: each comes first as often as last."""
    order = list(names)
    for turn in range(turns):
        for name in order if turn % 2 == 0 else order[::-1]:
            yield turn, name


def in_pairs(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """The median of the ratios of what was measured one after the other, and its quartiles.

    Whatever else runs on the machine for longer than a turn strikes both of a pair.
    """
    ratios = [mine / value for mine, value in zip(ours, theirs, strict=True)]
    if len(ratios) == 1:
        return f"{ratios[0]:.3f}"
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"median {middle:.3f}, half of them from {low:.3f} to {high:.3f}"
