"""The nginx process: test a configuration, activate it, reload, and see that it serves."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Collection

from rollcall_common import unix_http

_TEST_SECONDS = 30.0
_REQUEST_SECONDS = 1.0
_POLL_SECONDS = 0.01


class Refused(Exception):
    """nginx refuses a configuration; the message is nginx's own."""


class Nginx:
    """One nginx: its master is a child of this process, its configuration is in `folder`."""

    def __init__(self, folder: pathlib.Path, run: pathlib.Path) -> None:
        """Start nothing yet; `run` holds the socket and the PID file."""
        self.active = folder / "nginx.conf"
        self._staged = folder / "staged.conf"
        self._good = folder / "good.conf"
        self._socket = run / "nginx.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The master process; None before the start."""
        return self._process

    def stage(self, text: str) -> None:
        """Write a configuration beside the active one, and test it. Refused if that fails."""
        self._staged.write_text(text, encoding="utf-8")
        self._test(self._staged)

    def swap(self) -> None:
        """Replace the active configuration with the staged one, atomically."""
        self._staged.replace(self.active)

    def keep(self) -> None:
        """Keep the active configuration, which has served, for a rollback."""
        self._copy(self.active, self._good)

    def restore(self) -> None:
        """Replace the active configuration with the one kept last, atomically."""
        self._copy(self._good, self.active)

    def start(self) -> None:
        """Start the master with the active configuration."""
        # A killed nginx leaves its socket behind, and the next one could not bind it.
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            ["nginx", "-c", str(self.active), "-g", "daemon off;"], process_group=0
        )

    def reload(self) -> None:
        """Have the master load the active configuration."""
        self._signal(signal.SIGHUP)

    def quit(self) -> None:
        """Have the master exit when every request is answered."""
        self._signal(signal.SIGQUIT)

    def serves(self, generation: int, seconds: float) -> bool:
        """Whether the generation answers within `seconds`."""
        return _within(seconds, lambda: self.generation() == generation)

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

    def workers(self) -> frozenset[int]:
        """The running worker processes."""
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
            raise Refused(f"nginx -t did not finish within {_TEST_SECONDS:.0f} s") from None
        if done.returncode != 0:
            raise Refused(_first_problem(done.stderr.decode(errors="replace")))

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def _copy(self, source: pathlib.Path, target: pathlib.Path) -> None:
        partial = target.with_suffix(".partial")
        partial.write_bytes(source.read_bytes())
        partial.replace(target)


def reap(ours: Collection[int]) -> None:
    """Reap orphaned children (we run as PID 1) but not `ours`, which their owners wait for."""
    with contextlib.suppress(ChildProcessError):
        while True:
            # Not reaped by this first look: the status of a child of ours belongs to its owner.
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid in ours:
                return
            os.waitpid(ended.si_pid, 0)


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


def _first_problem(text: str) -> str:
    """The line with the error, without its date and process numbers."""
    lines = [line for line in text.splitlines() if "[emerg]" in line or "[alert]" in line]
    line = (lines or text.splitlines() or ["nginx -t failed without a message"])[0]
    return line.partition("] ")[2].partition(": ")[2] or line
