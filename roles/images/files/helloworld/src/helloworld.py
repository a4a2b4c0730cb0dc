"""A web service that answers with its host, its own address and that of the client."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time

import h11

# Docker kills what has not ended 10 s after its SIGTERM.
LONGEST_GRACE_SECONDS = 8.0
# An idle keep-alive connection must outlive the balancer's: it closes after 60 s.
IDLE_SECONDS = 75.0
BACKLOG = 512
READ_BYTES = 65536
METHODS = (b"GET", b"HEAD", b"POST")


class Service:
    """Answers every path; `/health` is for checks.

    One thread serves all connections. Starting another takes a lock of the whole machine: while
    the system moves processes between control groups, a thread for each connection waits for it.
    """

    def __init__(self, host: str, grace: float) -> None:
        """Answer as this host; after SIGTERM serve until no request came for `grace` s."""
        self._host = host
        self._grace = grace
        self._draining = asyncio.Event()
        # When a user was last answered, by the monotonic clock.
        self._answered = 0.0

    async def run(self, port: int) -> None:
        """Serve until SIGTERM, and on for the grace.

        A balancer that removes it late, on a busy machine or with an old DNS answer, still gets
        responses.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._draining.set)
        server = await asyncio.start_server(self._connection, "0.0.0.0", port, backlog=BACKLOG)
        await self._draining.wait()
        stopped = time.monotonic()
        deadline = stopped + LONGEST_GRACE_SECONDS
        while (end := min(deadline, max(stopped, self._answered) + self._grace)) > time.monotonic():
            await asyncio.sleep(max(0.0, end - time.monotonic()))
        server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = h11.Connection(h11.SERVER)
        try:
            while (request := await _request(wire, reader, writer)) is not None:
                writer.write(self._answer(wire, request, writer))
                await writer.drain()
                if wire.our_state is h11.MUST_CLOSE:
                    break
                wire.start_next_cycle()
        except h11.RemoteProtocolError as error:
            if wire.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                writer.write(_message(wire, error.error_status_hint, f"{error}\n"))
        except (ConnectionError, TimeoutError):
            # The client has gone, or sends no more requests.
            pass
        finally:
            writer.close()

    def _answer(
        self, wire: h11.Connection, request: h11.Request, writer: asyncio.StreamWriter
    ) -> bytes:
        if request.method not in METHODS:
            return _message(wire, 501, "Only GET, HEAD and POST are served.\n")
        text = "ok\n"
        if request.target != b"/health":
            self._answered = time.monotonic()
            own = writer.get_extra_info("sockname")[0]
            peer, port = writer.get_extra_info("peername")[:2]
            text = f"Hello World! I'm {self._host} addr:{own}. I saw that you are {peer}:{port}.\n"
        return _message(wire, 200, text, request.method == b"HEAD", self._draining.is_set())


async def _request(
    wire: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> h11.Request | None:
    """The next request, once its body is read to the end; None where there is none."""
    request = None
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            if wire.they_are_waiting_for_100_continue:
                writer.write(wire.send(h11.InformationalResponse(status_code=100, headers=[])))
            async with asyncio.timeout(IDLE_SECONDS):
                wire.receive_data(await reader.read(READ_BYTES))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.EndOfMessage):
            return request
        elif isinstance(event, h11.ConnectionClosed):
            return None


def _message(
    wire: h11.Connection, status: int, text: str, head: bool = False, last: bool = False
) -> bytes:
    """Head and body of an answer, which leave in one segment; the `last` closes the connection."""
    body = text.encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        *([("Connection", "close")] if last else []),
    ]
    parts = [
        wire.send(h11.Response(status_code=status, headers=headers)),
        None if head else wire.send(h11.Data(data=body)),
        wire.send(h11.EndOfMessage()),
    ]
    return b"".join(part for part in parts if part)


if __name__ == "__main__":
    asyncio.run(
        Service(
            os.environ.get("MY_HOST") or socket.gethostname(),
            float(os.environ.get("HELLOWORLD_GRACE", "1.0")),
        ).run(int(os.environ.get("PORT", "80")))
    )
