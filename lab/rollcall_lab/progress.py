"""Progress of the steps: a heading, the elapsed time, and the log of a failure."""

from __future__ import annotations

import collections
import contextlib
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from .settings import STATE

LOG = STATE / "lab.log"
# A pipe or a CI log gets a sign of life at this pace; a terminal gets one line that is rewritten.
_QUIET_SECONDS = 20.0
_headings: collections.deque[str] = collections.deque(maxlen=1)


class LabError(Exception):
    """A step that failed: `what` says which, `remedy` how to go on."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def echo(text: str) -> None:
    """Print one line at once, so that a reader of a pipe sees it when it happens."""
    print(text, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Head a step and close it with the seconds it took; by name where others began meanwhile."""
    started = time.monotonic()
    heading = f"▸ {title}"
    echo(heading)
    _headings.append(heading)
    yield
    name = "" if _headings[-1] is heading else f": {title}"
    echo(f"  done in {time.monotonic() - started:.1f} s{name}")


def run(
    command: Sequence[str],
    *,
    remedy: str,
    cwd: pathlib.Path | None = None,
    env: Mapping[str, str] | None = None,
    show: bool = False,
    log: pathlib.Path = LOG,
) -> None:
    """Run a command to its end; its output goes to the log, or to the screen with `show`.

    Raises LabError with the last lines of the output when the command fails.
    """
    STATE.mkdir(exist_ok=True)
    with log.open("ab") as file:
        file.write(f"\n$ {shlex.join(command)}\n".encode())
        file.flush()
        start = file.tell()
        try:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=None if show else file,
                stderr=None if show else subprocess.STDOUT,
                start_new_session=_ignores_interrupt(),
            )
        except FileNotFoundError:
            raise LabError(f"{command[0]}: command not found", remedy) from None
        _follow(process, quiet=show)
    if process.returncode != 0:
        tail = b"" if show else log.read_bytes()[start:]
        lines = tail.decode(errors="replace").strip().splitlines()[-12:]
        raise LabError(
            "\n  ".join([f"{shlex.join(command)} ended with status {process.returncode}", *lines]),
            remedy,
        )


def _follow(process: subprocess.Popen[bytes], *, quiet: bool) -> None:
    """Wait for the process and show that time passes."""
    started = time.monotonic()
    terminal = sys.stdout.isatty()
    pace = 1.0 if terminal else _QUIET_SECONDS
    while True:
        try:
            process.wait(timeout=pace)
        except subprocess.TimeoutExpired:
            if not quiet:
                seconds = f"  … {time.monotonic() - started:.0f} s"
                print(seconds, end="\r" if terminal else "\n", flush=True)
        else:
            return


def output(command: Sequence[str], *, timeout: float = 60.0) -> str | None:
    """The command's standard output, or None when it fails, is missing, or exceeds `timeout` s."""
    try:
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            start_new_session=_ignores_interrupt(),
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return result.stdout if result.returncode == 0 else None


def _ignores_interrupt() -> bool:
    """Whether Ctrl-C is ignored here; Docker's client heeds it all the same, in this session."""
    return signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def wait_until(ready: Callable[[], bool], *, seconds: float, what: str, remedy: str) -> None:
    """Poll `ready` until it holds; LabError `what` when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    pause = 0.1
    while not ready():
        if time.monotonic() > deadline:
            raise LabError(f"{what} (waited {seconds:.0f} s)", remedy)
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def main(body: Callable[[], None]) -> int:
    """Run a command's body and turn a LabError into a message and the exit status 1."""
    try:
        body()
    except LabError as error:
        print(f"\n✗ {error.what}\n  → {error.remedy}\n  The logs: {STATE}/*.log", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. `lab/up` goes on from here; `lab/down` removes it.", file=sys.stderr)
        return 130
    return 0
