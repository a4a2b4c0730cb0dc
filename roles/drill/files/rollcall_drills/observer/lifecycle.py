"""Starting and stopping the observer."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import time

from ..errors import Trouble
from ..history.clock import Clock
from ..history.folder import Folder, load, write_json
from ..history.history import History
from ..history.records import Refusal, Refused
from ..history.settings import Drill, Settings
from .credentials import token_of, trust

_READY_SECONDS = 15.0
# A second is usual. Beside hosts that start, a new program has waited for more than four.
_LAUNCH_SECONDS = 60.0
_ANSWERS = 5
_POLL_SECONDS = 0.1
# The observer ends with its last request, and then it writes.
_WRITE_SECONDS = 10.0
_LAUNCHER = pathlib.Path(__file__).resolve().parents[2] / "drill.py"


def start(
    path: pathlib.Path, settings: Settings, name: str, description: str, patience: float | None
) -> None:
    """Make the history and start its observer; Trouble where something does not answer.

    It is ready when five requests were answered and every agent answered for the first time, and
    has `patience` seconds for that once it runs. After a Trouble nothing is left behind.
    """
    if importlib.util.find_spec("h11") is None:
        raise Trouble("the Python package h11 is missing", "Run . .venv/bin/activate first")
    # The observer reads them itself: what it is handed would stand in its environment.
    token_of(settings, os.environ)
    trust(settings.consul, settings.consul_ca)
    folder = Folder(path)
    made = _make(path)
    try:
        clock = Clock.set_now()
        drill = Drill(
            name or path.resolve().name,
            description,
            clock.now(),
            clock.offset,
            settings,
            {"python": platform.python_version(), "h11": importlib.metadata.version("h11")},
        )
        write_json(folder.drill, drill.to_json())
        with folder.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(_LAUNCHER), "observe", "--history", str(path.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            _await(process, folder, patience or settings.timeout + _READY_SECONDS)
        except BaseException:
            _end(process, settings.timeout + _WRITE_SECONDS)
            raise
        # It outlives this command, which is what a Popen warns about when it goes.
        process.returncode = 0
    except BaseException:
        for file in folder.recorded:
            file.unlink(missing_ok=True)
        for directory in made:
            shutil.rmtree(directory)
        raise


def stop(path: pathlib.Path) -> bool:
    """Let the observer write everything and end; whether one was running.

    Only a process that holds the history's lock is ever sent a signal.
    """
    folder = Folder(path)
    settings = folder.head().settings
    pid = observer(folder)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + settings.timeout + _WRITE_SECONDS
    while observer(folder) is not None:
        if time.monotonic() > deadline:
            raise Trouble(
                f"the observer (process {pid}) does not end", f"See {folder.log}, then kill {pid}"
            )
        time.sleep(_POLL_SECONDS)
    return True


def observer(folder: Folder) -> int | None:
    """The process that observes into this folder, None where there is none.

    The lock is the proof: a process id alone may be another one's by now.
    """
    try:
        file = folder.pid.open(encoding="ascii")
    except FileNotFoundError:
        return None
    with file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                # Empty for the moment between the lock and the first line.
                if text := file.read().strip():
                    return int(text)
                time.sleep(_POLL_SECONDS / 10)
            else:
                return None


def _make(path: pathlib.Path) -> list[pathlib.Path]:
    """Make the folder; the topmost of those that were made. Trouble where it is in use."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Trouble(
            f"{path} holds something already", "Name a new folder: a history is never continued"
        )
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Trouble(f"{path} cannot be made: {error}", "Name another folder") from error
    return missing[-1:]


def _await(process: subprocess.Popen[bytes], folder: Folder, patience: float) -> None:
    """Wait until everything has answered once; Trouble with what has not."""
    runs, deadline = False, time.monotonic() + _LAUNCH_SECONDS
    while True:
        if process.poll() is not None:
            lines = folder.log.read_text(errors="replace").strip().splitlines()
            raise Trouble(
                f"the observer ended at once: {lines[-1] if lines else 'it does not say why'}",
                "Check the addresses and the options",
            )
        history = load(folder)
        for refused in history.refused:
            raise _refusal(refused)
        for distrusted in history.distrusted:
            agents = distrusted.url in history.drill.settings.consul
            raise Trouble(
                f"{distrusted.url} is not trusted: {distrusted.reason}",
                f"Name who signs its certificate in {'--consul-ca' if agents else 'SSL_CERT_FILE'},"
                " and itself by an address or a name that stands in it",
            )
        missing = _missing(history)
        if not missing:
            return
        if not runs and observer(folder) is not None:
            runs, deadline = True, time.monotonic() + patience
        if time.monotonic() > deadline:
            if not runs:
                raise Trouble(
                    f"the observer does not run {_LAUNCH_SECONDS:g} s after its start",
                    "Look at what keeps this machine busy",
                )
            raise Trouble(
                f"{'; '.join(missing)} (waited {patience:g} s)",
                "Check that the stack is up: curl what is named here",
            )
        time.sleep(_POLL_SECONDS)


def _refusal(refused: Refused) -> Trouble:
    """What to do about an agent that keeps something back."""
    what = {
        Refusal.FORBIDDEN: f"refuses {refused.path} (403)",
        Refusal.UNKNOWN: f"does not know this token (403 for {refused.path})",
        Refusal.FILTERED: f"leaves out of {refused.path} what the token may not see",
    }
    return Trouble(
        f"{refused.agent} {what[refused.why]}",
        "Name the file of a token with agent, node, service and key read in --consul-token-file, "
        "or set CONSUL_HTTP_TOKEN to it",
    )


def _missing(history: History) -> list[str]:
    """What has not answered yet, and where."""
    settings = history.drill.settings
    missing = []
    answered = [request for request in history.requests if request.error is None]
    if len(answered) < _ANSWERS:
        kinds = sorted({str(request.error) for request in history.requests if request.error})
        missing.append(
            f"{settings.url} answered {len(answered)} of {len(history.requests)} requests"
            + (f" ({', '.join(kinds)})" if kinds else "")
        )
    leaders = {seen.agent for seen in history.leaders if seen.leader is not None}
    rafts = {seen.agent for seen in history.rafts if seen.node is not None}
    members = {seen.agent for seen in history.members if seen.members is not None}
    passing = {seen.agent for seen in history.passing if seen.instances is not None}
    for agent in settings.consul:
        if agent not in leaders & rafts & members & passing:
            missing.append(f"Consul at {agent} did not answer")
    metrics = any(seen.values is not None for seen in history.metrics)
    if settings.metrics and not metrics:
        missing.append(f"{settings.metrics} gave no metrics")
    return missing


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    """End our own child, in the end without asking."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
