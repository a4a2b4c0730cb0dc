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

from ..errors import UserError
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
    path: pathlib.Path, settings: Settings, name: str, description: str, ready_timeout: float | None
) -> None:
    """Create the history and start its observer; UserError where something does not answer.

    It is ready when five requests were answered and every agent answered for the first time, and
    has `ready_timeout` seconds for that once it runs. After a UserError nothing is left behind.
    """
    if importlib.util.find_spec("h11") is None:
        raise UserError("the Python package h11 is missing", "Run . .venv/bin/activate first")
    # Checked here only; the observer reads the files itself, so no secret is in its environment.
    token_of(settings, os.environ)
    trust(settings.consul, settings.consul_ca)
    folder = Folder(path)
    made = _create_folder(path)
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
            _wait_until_ready(process, folder, ready_timeout or settings.timeout + _READY_SECONDS)
        except BaseException:
            _terminate(process, settings.timeout + _WRITE_SECONDS)
            raise
        # The observer outlives this command; without a return code Popen warns about that.
        process.returncode = 0
    except BaseException:
        for file in folder.recorded:
            file.unlink(missing_ok=True)
        for directory in made:
            shutil.rmtree(directory)
        raise


def stop(path: pathlib.Path) -> bool:
    """Stop the observer after it has written everything; whether one was running.

    Only a process that holds the history's lock is ever sent a signal.
    """
    folder = Folder(path)
    settings = folder.head().settings
    pid = observer_pid(folder)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + settings.timeout + _WRITE_SECONDS
    while observer_pid(folder) is not None:
        if time.monotonic() > deadline:
            raise UserError(
                f"the observer (process {pid}) does not end", f"See {folder.log}, then kill {pid}"
            )
        time.sleep(_POLL_SECONDS)
    return True


def observer_pid(folder: Folder) -> int | None:
    """The id of the process that observes into this folder, None where there is none.

    The lock decides: the id in the file may have been reused.
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


def _create_folder(path: pathlib.Path) -> list[pathlib.Path]:
    """Create the folder; the topmost one created. UserError where it is not empty."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is not empty", "Name a new folder: a history is never continued")
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be created: {error}", "Name another folder") from error
    return missing[-1:]


def _wait_until_ready(
    process: subprocess.Popen[bytes], folder: Folder, ready_timeout: float
) -> None:
    """Wait until everything has answered once; UserError names what has not."""
    runs, deadline = False, time.monotonic() + _LAUNCH_SECONDS
    while True:
        if process.poll() is not None:
            lines = folder.log.read_text(errors="replace").strip().splitlines()
            raise UserError(
                f"the observer ended at once: {lines[-1] if lines else 'its log is empty'}",
                "Check the addresses and the options",
            )
        history = load(folder)
        for refused in history.refused:
            raise _refusal_error(refused)
        for distrusted in history.distrusted:
            agents = distrusted.url in history.drill.settings.consul
            raise UserError(
                f"{distrusted.url} is not trusted: {distrusted.reason}",
                f"Give the CA of its certificate in {'--consul-ca' if agents else 'SSL_CERT_FILE'},"
                " and an address or a name that the certificate contains",
            )
        missing = _unanswered(history)
        if not missing:
            return
        if not runs and observer_pid(folder) is not None:
            runs, deadline = True, time.monotonic() + ready_timeout
        if time.monotonic() > deadline:
            if not runs:
                raise UserError(
                    f"the observer does not run {_LAUNCH_SECONDS:g} s after its start",
                    "Check the load of this machine",
                )
            raise UserError(
                f"{'; '.join(missing)} (waited {ready_timeout:g} s)",
                "Check that the stack is up: request these addresses with curl",
            )
        time.sleep(_POLL_SECONDS)


def _refusal_error(refused: Refused) -> UserError:
    """The error for an agent that refuses a request or filters its result."""
    what = {
        Refusal.FORBIDDEN: f"refuses {refused.path} (403)",
        Refusal.UNKNOWN: f"does not know this token (403 for {refused.path})",
        Refusal.FILTERED: f"filters {refused.path} by the rights of the token",
    }
    return UserError(
        f"{refused.agent} {what[refused.why]}",
        "Name the file of a token with agent, node, service and key read in --consul-token-file, "
        "or set CONSUL_HTTP_TOKEN to it",
    )


def _unanswered(history: History) -> list[str]:
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


def _terminate(process: subprocess.Popen[bytes], seconds: float) -> None:
    """End the observer with SIGTERM, after `seconds` with SIGKILL."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
