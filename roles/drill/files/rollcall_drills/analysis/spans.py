"""Intervals from changes: an agent's value holds until its next one. Pure."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar


class AgentEvent(Protocol):
    """An event with its time and its agent."""

    @property
    def at(self) -> float:
        """The time."""

    @property
    def agent(self) -> str:
        """The URL of the agent."""


Value = TypeVar("Value")
Event = TypeVar("Event", bound=AgentEvent)


@dataclasses.dataclass(frozen=True)
class Span(Generic[Value]):
    """A value that held from `start` until `end`."""

    start: float
    end: float
    value: Value


def spans(
    events: Iterable[Event], end: float, value: Callable[[Event], Value]
) -> dict[str, list[Span[Value]]]:
    """The values of each agent over time; equal neighbours are merged."""
    found: dict[str, list[Span[Value]]] = defaultdict(list)
    for event in events:
        before = found[event.agent]
        new = value(event)
        if before and before[-1].value == new:
            continue
        if before:
            before[-1] = dataclasses.replace(before[-1], end=event.at)
        before.append(Span(event.at, max(end, event.at), new))
    return dict(found)
