"""The first process of the container: small, so that it does not fail.

nginx is started by the control process and becomes our child as a daemon. The control process may
fall: it is started again, and nginx serves meanwhile. When nginx ends, the container ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import select
import signal
import time
from collections.abc import Mapping, Sequence

from rollcall_common.backoff import Backoff

from ..nginx.process import recorded
from .log_files import LogFile

log = logging.getLogger("nginx-lb")
_TURN_SECONDS = 0.2
_STOP_SECONDS = 10.0
# The first and the longest wait before the control process is started again, and how long it must
# have run to count as healthy.
_BACKOFF_SECONDS, _STABLE_SECONDS = (0.25, 5.0), 30.0
_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_PASSED_ON = (signal.SIGHUP, signal.SIGUSR1)


class Supervisor:
    """Runs `command` as the control process beside the nginx that it starts."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        pid_file: pathlib.Path,
        logs: Sequence[LogFile],
    ) -> None:
        """Start nothing yet; nginx writes its process ID to `pid_file`."""
        self._command = command
        self._environment = environment
        self._pid_file = pid_file
        self._logs = logs
        self._control: int | None = None
        self._control_since = 0.0
        self._start_at = 0.0
        self._backoff = Backoff(*_BACKOFF_SECONDS)
        self._nginx: int | None = None
        self._stop_since: float | None = None
        self._quits = False
        self._status: int | None = None
        self._dropped = 0

    def run(self) -> int:
        """Supervise until a signal, or until nginx ends; the exit status of the container."""
        wake, wake_write = os.pipe()
        for end in (wake, wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for handled in (*_STOP, *_PASSED_ON, signal.SIGCHLD):
            signal.signal(handled, lambda *_: None)
        while self._status is None:
            self._step()
            if self._status is None:
                select.select([wake], [], [], _TURN_SECONDS)
                with contextlib.suppress(BlockingIOError):
                    for number in os.read(wake, 64):
                        self._on_signal(number)
        self._copy_logs()
        return self._status

    def _step(self) -> None:
        # Also of one that has ended already: it is not reaped before.
        self._nginx = recorded(self._pid_file) or self._nginx
        self._reap()
        self._copy_logs()
        now = time.monotonic()
        if self._stop_since is not None:
            self._stop(now)
        elif self._control is None and self._status is None and now >= self._start_at:
            self._start(now)

    def _on_signal(self, number: int) -> None:
        if number in _STOP:
            self._stop_since = self._stop_since or time.monotonic()
            self._signal(self._control, signal.SIGTERM)
        elif number in _PASSED_ON:
            self._signal(self._control, number)

    def _start(self, now: float) -> None:
        self._control_since = now
        # A session of its own: what it leaves behind when it is killed is found by its group.
        self._control = os.posix_spawnp(
            self._command[0], list(self._command), dict(self._environment), setsid=True
        )

    def _reap(self) -> None:
        """Wait for all processes that have ended; orphans of the others are ours too."""
        with contextlib.suppress(ChildProcessError):
            while True:
                process, status = os.waitpid(-1, os.WNOHANG)
                if process == 0:
                    return
                if process == self._control:
                    self._on_control_end(os.waitstatus_to_exitcode(status))
                elif process == self._nginx:
                    self._on_nginx_end(os.waitstatus_to_exitcode(status))

    def _on_control_end(self, code: int) -> None:
        assert self._control is not None
        # consul-template, if it was left behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._control, signal.SIGKILL)
        self._control = None
        if self._stop_since is not None:
            return
        if self._nginx is None:
            # It could not start nginx, and has said why.
            self._status = code if code > 0 else 1
            return
        now = time.monotonic()
        if now - self._control_since >= _STABLE_SECONDS:
            self._backoff.succeed()
        self._start_at = now + self._backoff.fail()
        log.error("the control process ended with status %d and is started again", code)

    def _on_nginx_end(self, code: int) -> None:
        self._nginx = None
        self._pid_file.unlink(missing_ok=True)
        if self._stop_since is None:
            log.error("nginx ended unexpectedly with status %d", code)
            self._signal(self._control, signal.SIGKILL)
            self._status = code if code > 0 else 1

    def _stop(self, now: float) -> None:
        """First the control process, then nginx, which answers its open requests."""
        assert self._stop_since is not None
        if self._control is not None:
            if now - self._stop_since > _STOP_SECONDS:
                self._signal(self._control, signal.SIGKILL)
        elif self._nginx is None:
            self._status = 0
        elif not self._quits:
            self._quits = True
            self._signal(self._nginx, signal.SIGQUIT)

    def _copy_logs(self) -> None:
        for each in self._logs:
            each.copy()
        dropped = sum(each.dropped_bytes for each in self._logs)
        if dropped != self._dropped:
            self._dropped = dropped
            with contextlib.suppress(OSError):
                log.warning("nobody reads the logs: %d bytes were dropped so far", dropped)

    def _signal(self, process: int | None, number: int) -> None:
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
