"""The settings file: read when it changed, kept when it was accepted."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib

from . import reader as settings_reader
from .model import Settings
from .validation import Unfit


@dataclasses.dataclass(frozen=True)
class Offer:
    """What the file says: settings, or why it is none; the text and its revision."""

    text: str
    options: Settings | None
    problem: str = ""

    @property
    def revision(self) -> str:
        """The revision that is offered, "" where none can be read."""
        return self.options.revision if self.options else ""


class SettingsFile:
    """A file of the operator's, with a copy of what was accepted last; neither need exist."""

    def __init__(self, path: pathlib.Path, accepted: pathlib.Path, base: Settings) -> None:
        """Read it; `base` is what the environment says."""
        self._path = path
        self._accepted = accepted
        self._base = base
        self._seen = _read(path)

    def first(self) -> Offer:
        """What the file says at the start."""
        return self._offer(self._seen)

    def changed(self) -> Offer | None:
        """What the file says now, None where that has not changed."""
        text = _read(self._path)
        if text == self._seen:
            return None
        self._seen = text
        return self._offer(text)

    def accepted(self, refused: Settings | None) -> Settings:
        """What was accepted last; at a first start the refused settings without what may be wrong.

        The balancer then serves nobody and lives to tell what is wrong.
        """
        text = _read(self._accepted)
        options = self._offer(text).options if text is not None else None
        return options or dataclasses.replace(
            refused or self._base,
            services=(),
            discover=None,
            tls=None,
            http_snippet="",
            server_snippet="",
        )

    def accept(self, offer: Offer) -> None:
        """Keep what was offered for the next start. OSError where it cannot be written."""
        self._accepted.write_text(offer.text, encoding="utf-8")

    def _offer(self, text: str | None) -> Offer:
        if text is None:
            return Offer("{}", self._base)
        try:
            return Offer(text, settings_reader.from_text(text, self._base))
        except Unfit as error:
            return Offer(text, None, str(error))


def _read(path: pathlib.Path) -> str | None:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return None
