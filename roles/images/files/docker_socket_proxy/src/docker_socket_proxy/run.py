"""The process: listens at the socket until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from .engine import Engine
from .proxy import Proxy, listen, log
from .settings import Settings


async def serve(settings: Settings) -> int:
    """Serve until a signal; the exit status."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    proxy = Proxy(Engine(settings.engine))
    try:
        own = listen(settings.listen, settings.mode)
    except OSError as error:
        log(f"cannot listen at {settings.listen}: {error}")
        return 1
    inode = os.stat(settings.listen).st_ino
    server = await asyncio.start_unix_server(proxy.serve_client, sock=own)
    log(f"listening at {settings.listen} (mode {settings.mode:04o}) for {settings.engine}")
    await stop.wait()
    server.close()
    await proxy.close()
    with contextlib.suppress(OSError):
        # One that came after has its own socket under this name.
        if os.stat(settings.listen).st_ino == inode:
            os.unlink(settings.listen)
    log("stopped")
    return 0
