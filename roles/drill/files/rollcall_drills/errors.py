"""The error that is shown to the user."""

from __future__ import annotations


class UserError(Exception):
    """A command cannot go on: `what` says why, `remedy` what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
