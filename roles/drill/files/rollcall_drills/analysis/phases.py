"""The phases of a history, from its marks. Pure."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Sequence

from ..history.records import Mark, MarkName


@dataclasses.dataclass(frozen=True)
class Fault:
    """One fault and when it was healed, None without such a mark."""

    mark: Mark
    healed: float | None = None


@dataclasses.dataclass(frozen=True)
class Window:
    """From the first fault to `settled`, with every fault that came in between."""

    start: float
    end: float
    faults: tuple[Fault, ...]


@dataclasses.dataclass(frozen=True)
class Phases:
    """The calm and the windows of a history.

    `calm` is when the first calm began, None without one: from then on, everything outside the
    windows is calm. `problems` has a message for each mark that is invalid where it stands.
    """

    calm: float | None
    windows: tuple[Window, ...]
    problems: tuple[str, ...]

    def window_at(self, start: float, end: float | None = None) -> Window | None:
        """The window that the moment `start`, or the stretch up to `end`, touches."""
        until = start if end is None else end
        index = bisect.bisect_right(self.windows, until, key=lambda window: window.start) - 1
        if index >= 0 and start <= self.windows[index].end:
            return self.windows[index]
        return None


def phases(marks: Sequence[Mark], end: float) -> Phases:
    """The phases of a history that ended at `end`; an open window ends there too."""
    calm: float | None = None
    done: list[Window] = []
    faults: list[Fault] = []
    problems: list[str] = []
    for mark in marks:
        if mark.mark is MarkName.CALM:
            calm = mark.at if calm is None else calm
        elif mark.mark is MarkName.FAULT:
            faults.append(Fault(mark))
        elif mark.mark is MarkName.HEALED:
            if not any(_heals(mark, fault) for fault in faults):
                problems.append(f"healed{_hosts_of(mark)} follows no fault{_hosts_of(mark)}")
            faults = [
                dataclasses.replace(fault, healed=mark.at) if _heals(mark, fault) else fault
                for fault in faults
            ]
        elif mark.mark is MarkName.SETTLED:
            if faults:
                done.append(Window(faults[0].mark.at, mark.at, tuple(faults)))
                faults = []
            else:
                problems.append("settled follows no fault")
    if faults:
        problems.append(f"the fault{_hosts_of(faults[0].mark)} was never marked settled")
        done.append(Window(faults[0].mark.at, max(end, faults[-1].mark.at), tuple(faults)))
    return Phases(calm, tuple(done), tuple(problems))


def _heals(mark: Mark, fault: Fault) -> bool:
    """Whether the mark heals this fault: it names one of its hosts, or no host."""
    same = not mark.hosts or bool(set(mark.hosts) & set(fault.mark.hosts))
    return same and fault.healed is None


def _hosts_of(mark: Mark) -> str:
    return f" of {', '.join(mark.hosts)}" if mark.hosts else ""
