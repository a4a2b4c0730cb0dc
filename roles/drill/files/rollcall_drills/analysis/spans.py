"""Changes become states: what an agent said stands until it says something else. Pure."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar


class AgentEvent(Protocol):
    """What an agent said at a time."""

    @property
    def at(self) -> float:
        """When."""

    @property
    def agent(self) -> str:
        """Who."""


Value = TypeVar("Value")
Event = TypeVar("Event", bound=AgentEvent)


@dataclasses.dataclass(frozen=True)
class Span(Generic[Value]):
    """A value that stood from `start` until `end`."""

    start: float
    end: float
    value: Value


def spans(
    events: Iterable[Event], end: float, value: Callable[[Event], Value]
) -> dict[str, list[Span[Value]]]:
    """By agent, the values that stood one after the other; equal neighbours are one."""
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
