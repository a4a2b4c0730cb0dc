"""What every figure needs of a history, computed once: its phases and its elections. Pure."""

from __future__ import annotations

import dataclasses

from ..history.history import History
from .elections import Elections, elections
from .phases import Phases, phases


@dataclasses.dataclass(frozen=True)
class Timeline:
    """A history with its phases and its elections."""

    history: History
    phases: Phases
    elections: Elections

    @classmethod
    def of(cls, history: History) -> Timeline:
        """The timeline of a history."""
        found = phases(history.marks, history.end)
        return cls(history, found, elections(history, found))
