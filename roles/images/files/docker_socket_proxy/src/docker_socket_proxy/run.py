"""The process: from a socket that listens to SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from .engine import Engine
from .server import Gate, listen
from .settings import Settings
from .telling import say


async def serve(settings: Settings) -> int:
    """Serve until a signal; the exit status."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gate = Gate(Engine(settings.engine))
    try:
        own = listen(settings.listen, settings.mode)
    except OSError as error:
        say(f"cannot listen at {settings.listen}: {error}")
        return 1
    inode = os.stat(settings.listen).st_ino
    server = await asyncio.start_unix_server(gate.welcome, sock=own)
    say(f"listens at {settings.listen} (mode {settings.mode:04o}), the engine is {settings.engine}")
    await stop.wait()
    server.close()
    await gate.close()
    with contextlib.suppress(OSError):
        # One that came after has its own socket under this name.
        if os.stat(settings.listen).st_ino == inode:
            os.unlink(settings.listen)
    say("ends")
    return 0
