"""Which settings are in use, which were offered last, and why those were refused."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .file import CandidateSettings, SettingsFile
from .model import Settings

log = logging.getLogger("nginx-lb")


class SettingsState:
    """The settings in use; other threads may read every attribute at any time."""

    def __init__(self, file: SettingsFile) -> None:
        """Read the file; an invalid one leaves the settings that were accepted last."""
        self._file = file
        self._first = file.first()
        self.in_use = self._first.options or file.accepted(None)
        self.offered_revision = self._first.revision
        self.refusal = self._first.problem

    def choose_first(self, problem_of: Callable[[Settings], str]) -> None:
        """Start with the settings of the file, or with those accepted last.

        `problem_of` returns why settings cannot be used, "" where they can.
        """
        problem = problem_of(self.in_use)
        if problem:
            self.refusal = problem
            self.in_use = self._file.accepted(self.in_use)
        elif self._first.options:
            self._keep(self._first)
        if self.refusal:
            log.error("settings refused: %s", self.refusal)

    def update(self, use: Callable[[Settings], str]) -> None:
        """Have the file's settings used if they have changed; refused ones leave the old in use.

        `use` returns why settings cannot be used, "" where they now are.
        """
        candidate = self._file.changed()
        if candidate is None:
            return
        options = candidate.options
        problem = use(options) if options else candidate.problem
        # Cleared before the settings count as in use, and written before their revision counts as
        # offered: a reader never sees one revision beside the refusal of another.
        self.refusal = problem
        if options and not problem:
            self._keep(candidate)
            self.in_use = options
            log.info("settings %s in use", candidate.revision or "without a revision")
        else:
            log.error("settings refused, the old ones stay in use: %s", problem)
        self.offered_revision = candidate.revision

    def _keep(self, candidate: CandidateSettings) -> None:
        """Keep the settings for the next start; a full volume costs only that."""
        try:
            self._file.accept(candidate)
        except OSError as error:
            log.error("the settings were not kept for the next start: %s", error)
