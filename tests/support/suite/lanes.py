"""Which sessions of nox the words of `tests/run` mean, and which of them run side by side.

Nothing is imported but the standard library: tests/run reads this before there is an environment.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from .tiers import SCENARIOS, SESSIONS, SOAK_SCENARIOS

# What only computes, in halves of about the same time: most of it uses one processor.
CHECKS = ("lint", "types", "unit", "docs"), ("package", "sanity", "component")
LAB_SESSIONS = {"lab", "scenarios", "soak", "tutorial"}
FULL = {"ROLLCALL_TIER": "all"}
SECURE = {**FULL, "ROLLCALL_PROFILE": "secure"}


@dataclasses.dataclass(frozen=True)
class Nox:
    """Sessions that one nox runs in a row, with variables of its own and what goes to pytest."""

    sessions: tuple[str, ...]
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    @property
    def on_lab(self) -> bool:
        """Whether the sessions play on the lab's hosts."""
        return not LAB_SESSIONS.isdisjoint(self.sessions)

    @property
    def suffix(self) -> str:
        """What tells these sessions from those of the same name on an open lab."""
        return ", secure" if "ROLLCALL_PROFILE" in self.variables else ""


Lanes = Sequence[Sequence[Nox]]


def lanes_of(words: Sequence[str]) -> list[Lanes]:
    """The lanes that run side by side, a list for each stage; ValueError for an unknown name."""
    names, arguments = list(words), ()
    if "--" in words:
        at = names.index("--")
        names, arguments = names[:at], tuple(words[at + 1 :])
    if unknown := [name for name in names if name not in (*SESSIONS, *SCENARIOS, "all")]:
        raise ValueError(
            f"no check {', '.join(unknown)}; there are all, {', '.join(SESSIONS)} "
            f"and the scenarios {', '.join(SCENARIOS)}"
        )
    if "all" in names and len(names) > 1:
        raise ValueError("all has every check, and stands by itself")
    if arguments and not set(names).intersection(SESSIONS):
        raise ValueError("what follows -- goes to the sessions that are named before it")
    if not names:
        # What a drill measures is the product, not a machine whose processors others have.
        drills = [Nox(("integration",)), Nox(("scenarios",))]
        return [[[Nox(half)] for half in CHECKS], [drills]]
    if names == ["all"]:
        return _everything()
    played = tuple(name for name in names if name in SCENARIOS)
    sessions = tuple(sorted(filter(SESSIONS.__contains__, names), key=_turn))
    lane = [Nox(sessions, {}, arguments)] if sessions else []
    return [[[*lane, *([Nox(("scenarios",), {}, played)] if played else [])]]]


def _turn(session: str) -> int:
    """Which sessions come first on one lab: the tutorial begins without it.

    The last of the scenarios leaves it secure.
    """
    return {"tutorial": 0, "scenarios": 2}.get(session, 1)


def _everything() -> list[Lanes]:
    """The full tier: first what has no drill, then all that has, then what begins without a lab."""
    computes = [Nox(("integration", *CHECKS[0], *CHECKS[1], "core"), FULL)]
    drills = [
        Nox(("soak", "scenarios"), FULL),
        # `secure`, the last of the scenarios, leaves the lab as the closed ones need it.
        Nox(("scenarios",), SECURE),
        Nox(("scenarios",), SECURE, SOAK_SCENARIOS),
    ]
    return [[computes, [Nox(("lab",), FULL)]], [drills], [[Nox(("tutorial",), FULL)]]]
