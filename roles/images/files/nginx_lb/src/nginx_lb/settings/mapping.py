"""Reading a mapping key by key: what is there is checked, what is unknown is refused. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .validation import Unfit, quoted

T = TypeVar("T")


class Reader:
    """The values of one mapping; `where` names it in what a person reads."""

    def __init__(self, values: Any, where: str) -> None:
        """Unfit unless it is a mapping."""
        if not isinstance(values, Mapping):
            raise Unfit(f"{where}: {quoted(values)} is not a mapping")
        self._values = values
        self._where = where
        self._asked: set[str] = set()

    def take(self, key: str, convert: Callable[[Any], T], default: T) -> T:
        """The converted value, the default where the key is missing or null."""
        self._asked.add(key)
        value = self._values.get(key)
        return default if value is None else _converted(value, convert, f"{self._where}.{key}")

    def need(self, key: str, convert: Callable[[Any], T]) -> T:
        """The converted value; Unfit where the key is missing."""
        self._asked.add(key)
        value = self._values.get(key)
        if value is None:
            raise Unfit(f"{self._where}.{key} is missing")
        return _converted(value, convert, f"{self._where}.{key}")

    def each(
        self, key: str, convert: Callable[[Any], T], default: tuple[T, ...] = ()
    ) -> tuple[T, ...]:
        """The converted elements of a list, the default where the key is missing or null."""
        self._asked.add(key)
        values = self._values.get(key)
        if values is None:
            return default
        if not isinstance(values, list):
            raise Unfit(f"{self._where}.{key}: {quoted(values)} is not a list")
        return tuple(
            _converted(value, convert, f"{self._where}.{key}[{number}]")
            for number, value in enumerate(values)
        )

    def end(self) -> None:
        """Unfit when a key was never asked for, with the nearest that is known."""
        for key in self._values:
            if key not in self._asked:
                nearest = difflib.get_close_matches(str(key), self._asked, n=1)
                hint = f"; did you mean {nearest[0]}?" if nearest else ""
                raise Unfit(f"{self._where}: {quoted(key)} is no setting{hint}")


def _converted(value: Any, convert: Callable[[Any], T], where: str) -> T:
    try:
        return convert(value)
    except Unfit as error:
        raise Unfit(f"{where}: {error}") from None
