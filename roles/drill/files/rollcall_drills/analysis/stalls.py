"""How much of a missed bound is explained by stalls of the observer's machine. Pure."""

from __future__ import annotations

from ..history.history import History

# A balancer in the lab gives an instance a second to answer: a stall must take half of it.
STILL_SECONDS = 0.5
_METHODS = {
    "failed": ("GET", "POST"),
    "calm_failed": ("GET", "POST"),
    "failed_get": ("GET",),
    "failed_post": ("POST",),
}


def longest(history: History) -> float:
    """The longest time in which the observer did not run, in seconds."""
    return max((stall.end - stall.start for stall in history.stalls), default=0.0)


def explained(history: History, name: str) -> float:
    """How much of a bound's figure stalls explain, in the figure's own unit.

    Of a time it is the longest stall, of failed requests those that were under way in a stall of
    half a second or more, and of anything else nothing.
    """
    if name.endswith("_s"):
        return longest(history)
    stalls = [each for each in history.stalls if each.end - each.start >= STILL_SECONDS]
    failed = [r for r in history.requests if r.failed and r.method in _METHODS.get(name, ())]
    return sum(any(s.start < r.over and r.due < s.end for s in stalls) for r in failed)
