"""nginx: test a configuration, activate it, start or reload, and see that it serves."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable

from rollcall_common import atomic_file, unix_http

_TEST_SECONDS = 30.0
_REQUEST_SECONDS = 1.0
_POLL_SECONDS = 0.01


class Refused(Exception):
    """nginx refuses a configuration; the message is nginx's own."""


class Nginx:
    """One nginx, which serves on when this program ends. Its configuration is in `run`."""

    def __init__(self, run: pathlib.Path) -> None:
        """Start nothing yet; `run` holds the configuration, the sockets and the PID file."""
        self.active = run / "nginx.conf"
        self._staged = run / "staged.conf"
        self._good = run / "good.conf"
        self._socket = run / "control" / "nginx.sock"
        self._empty_socket = run / "empty.sock"
        self._pid_file = run / "nginx.pid"
        self._replaced: frozenset[int] = frozenset()

    @property
    def pid(self) -> int | None:
        """The process ID of the master; None where none runs."""
        pid = recorded(self._pid_file)
        return pid if pid is not None and _parent(pid) is not None else None

    def runs_with(self, text: str) -> bool:
        """Whether this is the active configuration."""
        return self.active.exists() and self.active.read_text(encoding="utf-8") == text

    def stage(self, text: str) -> None:
        """Write a configuration beside the active one, and test it. Refused if that fails."""
        try:
            self._staged.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Refused(f"the configuration was not written: {error}") from error
        self._test(self._staged)

    def swap(self) -> None:
        """Replace the active configuration with the staged one, atomically."""
        self._staged.replace(self.active)

    def keep(self) -> None:
        """Keep the active configuration, which has served, for a rollback."""
        atomic_file.write(self._good, self.active.read_text(encoding="utf-8"))

    def restore(self) -> None:
        """Replace the active configuration with the one kept last, atomically."""
        atomic_file.write(self.active, self._good.read_text(encoding="utf-8"))

    def start(self) -> None:
        """Start the master with the active configuration. Refused where it does not start."""
        # A killed nginx leaves its sockets behind, and the next one could not bind them.
        for path in (self._socket, self._empty_socket, self._pid_file):
            path.unlink(missing_ok=True)
        # It becomes a daemon, and so a child of the container's first process.
        self._run(["nginx", "-c", str(self.active)], "nginx did not start")

    def reload(self) -> None:
        """Have the master load the active configuration."""
        self._replaced = self.workers()
        self._signal(signal.SIGHUP)

    def serves(self, generation: int, seconds: float) -> bool:
        """Whether the generation answers within `seconds`."""
        return _within(seconds, lambda: self.generation() == generation)

    def has_replaced_workers(self, seconds: float) -> bool:
        """Whether within `seconds` no worker from before the reload accepts connections.

        New workers serve beside the old ones until these have heard the master's signal.
        """
        return _within(seconds, lambda: not any(map(_accepts, self._replaced)))

    def generation(self) -> int | None:
        """The generation that answers now; None where none does."""
        words = (self.get("/generation") or "").split()
        return int(words[0]) if len(words) == 2 and words[0].isdigit() else None

    def get(self, path: str) -> str | None:
        """The response of nginx on its Unix socket; None where it does not answer."""
        try:
            status, body = unix_http.request(str(self._socket), "GET", path, _REQUEST_SECONDS)
        except OSError:
            return None
        return body.decode(errors="replace") if status == 200 else None

    def take_over_instances(self) -> None:
        """Have all workers use the file with the instances. Refused where they do not."""
        try:
            status, body = unix_http.request(
                str(self._socket), "POST", "/instances", _REQUEST_SECONDS
            )
        except OSError as error:
            raise Refused(f"nginx did not take over the instances: {error}") from error
        if status != 200:
            raise Refused(f"nginx did not take over the instances: {body.decode(errors='replace')}")

    def workers(self) -> frozenset[int]:
        """The running worker processes."""
        master = self.pid
        if master is None:
            return frozenset()
        processes = [int(path.name) for path in pathlib.Path("/proc").glob("[0-9]*")]
        return frozenset(each for each in processes if _parent(each) == master)

    def _test(self, path: pathlib.Path) -> None:
        self._run(["nginx", "-t", "-q", "-c", str(path)], "nginx -t failed without a message")

    def _run(self, words: list[str], otherwise: str) -> None:
        """Run nginx. Refused, with its own message, where it fails."""
        try:
            done = subprocess.run(words, check=False, capture_output=True, timeout=_TEST_SECONDS)
        except subprocess.TimeoutExpired:
            raise Refused(f"{' '.join(words)} did not finish in {_TEST_SECONDS:.0f} s") from None
        if done.returncode != 0:
            raise Refused(_first_problem(done.stderr.decode(errors="replace")) or otherwise)

    def _signal(self, number: int) -> None:
        if self.pid is not None:
            os.kill(self.pid, number)


def recorded(pid_file: pathlib.Path) -> int | None:
    """The process ID in an nginx.pid, whether it runs or not; None without the file."""
    with contextlib.suppress(OSError, ValueError):
        return int(pid_file.read_text())
    return None


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether the condition holds within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _parent(process: int) -> int | None:
    """The parent of a running process; None for one that has ended."""
    with contextlib.suppress(OSError):
        text = pathlib.Path(f"/proc/{process}/stat").read_text(errors="replace")
        # The name is in parentheses and may contain any character, blanks too.
        state, parent = text.rpartition(")")[2].split()[:2]
        return int(parent) if state != "Z" else None
    return None


def _accepts(worker: int) -> bool:
    """Whether a worker may accept connections: it names itself before it closes its sockets.

    It does both without accepting in between.
    """
    with contextlib.suppress(OSError):
        title = pathlib.Path(f"/proc/{worker}/cmdline").read_bytes()
        # An ended one has no command line.
        return bool(title) and b"shutting down" not in title
    return False


def _first_problem(text: str) -> str:
    """The line with the error, without its date and process numbers."""
    lines = [line for line in text.splitlines() if "[emerg]" in line or "[alert]" in line]
    line = (lines or text.splitlines() or [""])[0]
    return line.partition("] ")[2].partition(": ")[2] or line
