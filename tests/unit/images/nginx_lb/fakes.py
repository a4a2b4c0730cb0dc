"""An nginx that starts no process: it serves what it is given, unless a story says otherwise."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

from nginx_lb.nginx.process import Refused


class FakeNginx:
    """Stands for nginx_lb.nginx.process.Nginx."""

    def __init__(self) -> None:
        """Not started."""
        self.process: Any = None
        self.calls: list[str] = []
        self.refusal = ""
        self.serves_new = True
        self._staged = self._active = self._good = 0

    def stage(self, text: str) -> None:
        """Refuse, or keep the generation in the text."""
        if self.refusal:
            raise Refused(self.refusal)
        [number] = re.findall(r'return 200 "(\d+) \$pid', text)
        self._staged = int(number)

    def swap(self) -> None:
        """The staged generation is active."""
        self._active = self._staged

    def keep(self) -> None:
        """The active generation is the last good one."""
        self._good = self._active

    def restore(self) -> None:
        """The last good generation is active."""
        self._active = self._good
        self.calls.append("restore")

    def start(self) -> None:
        """A process that runs."""
        self.process = mock.Mock(**{"poll.return_value": None, "wait.return_value": 0, "pid": 1})
        self.calls.append("start")

    def reload(self) -> None:
        """Count it."""
        self.calls.append("reload")

    def quit(self) -> None:
        """Count it."""
        self.calls.append("quit")

    def serves(self, generation: int, _seconds: float) -> bool:
        """The active generation serves, a new one only if the story says so."""
        return generation == self._active and (self.serves_new or generation == self._good)

    def workers(self) -> frozenset[int]:
        """One worker, another one after each reload."""
        return frozenset({100 + len(self.calls)}) if self.process else frozenset()
