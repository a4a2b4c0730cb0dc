"""An nginx that starts no process: it serves what it is given, unless a story says otherwise."""

from __future__ import annotations

import re

from nginx_lb.nginx.process import Refused


class FakeNginx:
    """Stands for nginx_lb.nginx.process.Nginx."""

    def __init__(self) -> None:
        """Not started."""
        self.pid: int | None = None
        self.calls: list[str] = []
        self.refusal = ""
        self.serves_new = True
        self.takes_over = True
        self.workers_hear = True
        self._staged = self._active = self._good = 0
        self._staged_text = self._active_text = ""

    def generation(self) -> int | None:
        """The active one."""
        return self._active or None

    def runs_with(self, text: str) -> bool:
        """Whether this text is active."""
        return text == self._active_text

    def take_over_instances(self) -> None:
        """Count it, or refuse."""
        if not self.takes_over:
            raise Refused("nginx did not take over the instances")
        self.calls.append("instances")

    def stage(self, text: str) -> None:
        """Refuse, or keep the generation in the text."""
        if self.refusal:
            raise Refused(self.refusal)
        [number] = re.findall(r'return 200 "(\d+) \$pid', text)
        self._staged, self._staged_text = int(number), text

    def swap(self) -> None:
        """The staged generation is active."""
        self._active, self._active_text = self._staged, self._staged_text

    def keep(self) -> None:
        """The active generation is the last good one."""
        self._good = self._active

    def restore(self) -> None:
        """The last good generation is active."""
        self._active = self._good
        self.calls.append("restore")

    def start(self) -> None:
        """A process that runs."""
        self.pid = 1
        self.calls.append("start")

    def reload(self) -> None:
        """Count it."""
        self.calls.append("reload")

    def serves(self, generation: int, _seconds: float) -> bool:
        """The active generation serves, a new one only if the story says so."""
        return generation == self._active and (self.serves_new or generation == self._good)

    def has_replaced_workers(self, _seconds: float) -> bool:
        """Whether the story lets the old workers hear of the reload."""
        return self.workers_hear

    def workers(self) -> frozenset[int]:
        """None that has a connection."""
        return frozenset()
