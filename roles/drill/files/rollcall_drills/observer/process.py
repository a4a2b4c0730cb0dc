"""The observer process: probe and recorder, until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pathlib
import resource
import signal
import time

from ..history.clock import Clock
from ..history.folder import Folder
from ..history.journal import Journal
from ..history.records import Ended, Event, Heartbeat, Request, Stall, event_line
from .credentials import token_of
from .http_client import Endpoint
from .probe import Probe
from .recorder import Recorder

_FLUSH_SECONDS = 1.0
_HEARTBEAT_SECONDS = 5.0
_TICK_SECONDS = 0.05
# A tick later than this is recorded: times around it are that uncertain.
_STALL_SECONDS = 0.1
# Weighs 9548 with the scheduler, as much as all containers of a lab's own engine together: 10240.
_NICE = -10
_AUTOGROUP = pathlib.Path("/proc/self/autogroup")


def observe(path: pathlib.Path) -> int:
    """Record into the folder until SIGTERM or SIGINT; UserError where the folder has no drill."""
    folder = Folder(path)
    # Locked for as long as the process lives, which is how others know that it does.
    with folder.pid.open("a+", encoding="ascii") as pid:
        fcntl.flock(pid, fcntl.LOCK_EX | fcntl.LOCK_NB)
        pid.truncate(0)
        pid.write(f"{os.getpid()}\n")
        pid.flush()
        _raise_file_limit()
        _raise_priority()
        asyncio.run(_observe(folder))
    return 0


async def _observe(folder: Folder) -> None:
    drill = folder.head()
    clock = Clock(drill.offset)
    requests, events = Journal(folder.requests), Journal(folder.events)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def log(request: Request) -> None:
        requests.write(request.to_line())

    def emit(event: Event) -> None:
        events.write(event_line(event))

    recorder = Recorder(drill.settings, clock, emit, token_of(drill.settings, os.environ))
    probe = Probe(drill.settings, Endpoint.from_url(drill.settings.url), clock, log)

    async def flush() -> None:
        next_heartbeat = clock.now()
        while True:
            # In a thread: a busy disk may delay a write for seconds, and the polls must go on.
            await asyncio.to_thread(requests.flush)
            await asyncio.to_thread(events.flush)
            if clock.now() >= next_heartbeat:
                emit(_heartbeat(clock, requests, recorder))
                next_heartbeat += _HEARTBEAT_SECONDS
            await asyncio.sleep(_FLUSH_SECONDS)

    async def detect_stalls() -> None:
        while True:
            due = clock.now() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            if clock.now() - due > _STALL_SECONDS:
                emit(Stall(due, clock.now()))

    async def measure() -> None:
        await asyncio.gather(probe.run(stop), recorder.run(stop))

    helpers = [asyncio.create_task(flush()), asyncio.create_task(detect_stalls())]
    main = asyncio.create_task(measure())
    # A helper ends only with a bug or a full disk, which ends the history.
    await asyncio.wait([main, *helpers], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await main
    for helper in helpers:
        helper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await helper
    emit(_heartbeat(clock, requests, recorder))
    requests.close()
    emit(Ended(clock.now(), requests.lines))
    events.close()


def _heartbeat(clock: Clock, requests: Journal, recorder: Recorder) -> Heartbeat:
    return Heartbeat(clock.now(), requests.lines, recorder.reads, time.process_time())


def _raise_file_limit() -> None:
    """An outage keeps `rate` times `timeout` sockets open: more than the usual soft limit."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _raise_priority() -> None:
    """Run with a higher priority than the observed hosts, where allowed: late requests are lost."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        # With autogroup a process's nice value counts in its session only, and the session has one.
        _AUTOGROUP.write_text(str(_NICE), encoding="ascii")
