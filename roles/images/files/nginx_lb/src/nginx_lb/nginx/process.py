"""nginx as a process: test a configuration, put it in place, reload, and see that it serves."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import time
from collections.abc import Callable

_TEST_SECONDS = 30.0
_ASK_SECONDS = 1.0
_LOOK_SECONDS = 0.01


class Refused(Exception):
    """nginx does not take a configuration; says why, in nginx's words."""


class Nginx:
    """One nginx: its master is a child of this process, its configuration a file in `folder`."""

    def __init__(self, folder: pathlib.Path, run: pathlib.Path) -> None:
        """Nothing is started yet; `run` holds its socket and its pid."""
        self.active = folder / "nginx.conf"
        self._staged = folder / "staged.conf"
        self._good = folder / "good.conf"
        self._socket = run / "nginx.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The master; None before the start."""
        return self._process

    def stage(self, text: str) -> None:
        """Write a configuration beside the active one. Refused if nginx does not take it."""
        self._staged.write_text(text, encoding="utf-8")
        self._test(self._staged)

    def swap(self) -> None:
        """Put the staged configuration in the active one's place, in one step."""
        self._staged.replace(self.active)

    def keep(self) -> None:
        """What is active has served: it is what one returns to."""
        self._copy(self.active, self._good)

    def restore(self) -> None:
        """Put the last good configuration in the active one's place, in one step."""
        self._copy(self._good, self.active)

    def start(self) -> None:
        """Start the master with the active configuration."""
        # A killed one leaves its socket behind, and the next could not bind it.
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            ["nginx", "-c", str(self.active), "-g", "daemon off;"], process_group=0
        )

    def reload(self) -> None:
        """Ask the master to read the active configuration."""
        self._signal(signal.SIGHUP)

    def quit(self) -> None:
        """Ask the master to end when every request is answered."""
        self._signal(signal.SIGQUIT)

    def serves(self, generation: int, seconds: float) -> bool:
        """Whether the generation answers within so many seconds."""
        return _within(seconds, lambda: self.generation() == generation)

    def generation(self) -> int | None:
        """The generation that answers now; None when none does."""
        words = (self.ask("/generation") or "").split()
        return int(words[0]) if len(words) == 2 and words[0].isdigit() else None

    def ask(self, path: str) -> str | None:
        """What nginx answers on its own socket; None when it does not."""
        connection = UnixConnection(str(self._socket), _ASK_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return text if answer.status == 200 else None

    def workers(self) -> frozenset[int]:
        """The processes that the master has now."""
        if self._process is None:
            return frozenset()
        processes = [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*")]
        return frozenset(each for each in processes if _parent(each) == self._process.pid)

    def _test(self, path: pathlib.Path) -> None:
        try:
            done = subprocess.run(
                ["nginx", "-t", "-q", "-c", str(path)],
                check=False,
                capture_output=True,
                timeout=_TEST_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise Refused(f"nginx did not read it in {_TEST_SECONDS:.0f} s") from None
        if done.returncode != 0:
            raise Refused(_first_problem(done.stderr.decode(errors="replace")))

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def _copy(self, source: pathlib.Path, target: pathlib.Path) -> None:
        partial = target.with_suffix(".partial")
        partial.write_bytes(source.read_bytes())
        partial.replace(target)


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(_LOOK_SECONDS)
    return False


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, seconds: float) -> None:
        """Nothing is sent yet."""
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _parent(process: int) -> int | None:
    """The parent of a process that lives; None for one that has ended."""
    with contextlib.suppress(OSError):
        text = pathlib.Path(f"/proc/{process}/stat").read_text(errors="replace")
        # The name stands in parentheses and may hold any character, blanks too.
        state, parent = text.rpartition(")")[2].split()[:2]
        return int(parent) if state != "Z" else None
    return None


def _first_problem(text: str) -> str:
    """The line that says what is wrong, without its date and process numbers."""
    lines = [line for line in text.splitlines() if "[emerg]" in line or "[alert]" in line]
    line = (lines or text.splitlines() or ["nginx refuses it and says nothing"])[0]
    return line.partition("] ")[2].partition(": ")[2] or line
