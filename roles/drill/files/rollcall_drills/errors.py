"""The one error that a person is meant to read."""

from __future__ import annotations


class Trouble(Exception):
    """A command that cannot do its work: `what` says why, `remedy` how to go on."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
