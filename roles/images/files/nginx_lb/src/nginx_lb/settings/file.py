"""Reads the settings file when it has changed, and keeps a copy of the settings accepted last."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib

from rollcall_common import atomic_file

from . import reader
from .model import Settings
from .validation import InvalidValue


@dataclasses.dataclass(frozen=True)
class CandidateSettings:
    """The content of the settings file: the settings, or the problem that makes it invalid."""

    text: str
    options: Settings | None
    problem: str = ""

    @property
    def revision(self) -> str:
        """The revision of the settings, "" where the file is invalid."""
        return self.options.revision if self.options else ""


class SettingsFile:
    """The operator's settings file and the copy accepted last; neither needs to exist."""

    def __init__(self, path: pathlib.Path, accepted: pathlib.Path, base: Settings) -> None:
        """Read the file; `base` are the settings of the environment."""
        self._path = path
        self._accepted = accepted
        self._base = base
        self._text = _read(path)

    def first(self) -> CandidateSettings:
        """What the file held at the start."""
        return self._candidate(self._text)

    def changed(self) -> CandidateSettings | None:
        """What the file holds now, None where it has not changed."""
        text = _read(self._path)
        if text == self._text:
            return None
        self._text = text
        return self._candidate(text)

    def accepted(self, refused: Settings | None) -> Settings:
        """The settings accepted last; at a first start `refused` without what may be invalid.

        The balancer then serves no service, but it runs and reports the problem.
        """
        text = _read(self._accepted)
        options = self._candidate(text).options if text is not None else None
        return options or dataclasses.replace(
            refused or self._base,
            services=(),
            discover=None,
            tls=None,
            http_snippet="",
            server_snippet="",
        )

    def accept(self, candidate: CandidateSettings) -> None:
        """Keep these settings for the next start. OSError where they cannot be written."""
        atomic_file.write(self._accepted, candidate.text)

    def _candidate(self, text: str | None) -> CandidateSettings:
        if text is None:
            return CandidateSettings("{}", self._base)
        try:
            return CandidateSettings(text, reader.from_text(text, self._base))
        except InvalidValue as error:
            return CandidateSettings(text, None, str(error))


def _read(path: pathlib.Path) -> str | None:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return None
