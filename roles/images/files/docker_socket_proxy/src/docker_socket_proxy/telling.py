"""The log: a refusal once for each kind, and when the engine goes and comes back."""

from __future__ import annotations

from collections.abc import Callable

# Kinds are few; this holds whatever they may become.
_MOST_KINDS = 200


def say(sentence: str) -> None:
    """A line of the container's log."""
    print(f"docker-gate: {sentence}", flush=True)


class Telling:
    """Says what is new."""

    def __init__(self, out: Callable[[str], None] = say) -> None:
        """Nothing was said yet."""
        self._out = out
        self._said: set[str] = set()
        self._trouble = ""

    def refused(self, kind: str, detail: str) -> None:
        """A request was refused; `detail` may hold a client's words."""
        if kind in self._said or len(self._said) >= _MOST_KINDS:
            return
        self._said.add(kind)
        example = f": {ascii(detail)[:200]}" if detail else ""
        self._out(f"refused {kind}{example}; it is not told again")

    def engine(self, trouble: str) -> None:
        """Why the engine cannot be asked, empty where it was."""
        if trouble != self._trouble:
            self._out(trouble or "the engine answers again")
        self._trouble = trouble
