"""The proxy at its socket: one request at a time on each connection, each with a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

from rollcall_common.json_text import decoded
from rollcall_common.log_once import LogOnce

from . import fields, request_parser, responses
from .engine import Engine, EngineError, Reply
from .request_parser import Malformed, Request
from .rules import EngineRequest, Forbidden, Kind, decide

_PIECE = 4096
# Kinds of refusals are few; this bounds them whatever they may become.
_MOST_KINDS = 200
# What is read of a client that is refused while it still sends: it would not read its answer else.
_LEFT_OVER_BYTES, _LEFT_OVER_SECONDS = 262_144, 1.0
_REDUCE: dict[Kind, Callable[[object], Any]] = {
    Kind.VERSION: fields.version,
    Kind.LIST: fields.listing,
    Kind.INSPECT: fields.inspection,
}


def log(message: str) -> None:
    """A line of the container's log."""
    print(f"docker-socket-proxy: {message}", flush=True)


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much, and how long. An idle connection is worth keeping: the daemon asks every 10 s."""

    connections: int = 64
    head_seconds: float = 10.0
    idle_seconds: float = 120.0
    answer_seconds: float = 30.0
    write_seconds: float = 10.0
    answer_bytes: int = 16 * 1024 * 1024
    line_bytes: int = 1024 * 1024


class Proxy:
    """Answers clients, and asks the engine on their behalf."""

    def __init__(
        self,
        engine: Engine,
        limits: Limits | None = None,
        log: Callable[[str], None] = log,
    ) -> None:
        """Nobody is connected."""
        self._engine = engine
        self._limits = limits or Limits()
        self._log = log
        self._log_once = LogOnce(log, _MOST_KINDS)
        self._engine_problem = ""
        self._connected: set[asyncio.Task[None]] = set()

    async def serve_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve a connection to its end."""
        task = asyncio.current_task()
        if task is None or len(self._connected) >= self._limits.connections:
            most = f"there are {self._limits.connections} connections, and no more are served"
            self._refused("too many connections", most)
            writer.write(responses.failure(503, f"docker-socket-proxy: {most}", closes=True))
            writer.close()
            return
        self._connected.add(task)
        try:
            await self._serve_connection(reader, writer)
        except (OSError, asyncio.CancelledError):
            # A client that has gone, or the end of the proxy: nobody reads an answer.
            writer.transport.abort()
        finally:
            self._connected.discard(task)
            writer.close()

    async def close(self) -> None:
        """End every connection."""
        connected = list(self._connected)
        for task in connected:
            task.cancel()
        await asyncio.gather(*connected, return_exceptions=True)

    async def _serve_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # Always listening: a client that goes away ends what is done for it.
        coming = asyncio.create_task(reader.read(_PIECE))
        request = None
        try:
            while received := await self._received(reader, coming):
                length = request_parser.head_length(received)
                request = request_parser.request_from(received[:length])
                asked = decide(request)
                request_parser.check_framing(request)
                if len(received) > length:
                    raise Malformed("there is more than one request without a body")
                coming = asyncio.create_task(reader.read(_PIECE))
                if not await self._serve(request, asked, coming, writer):
                    return
                request = None
        except Forbidden as refusal:
            detail = f"{request.method} {request.target}" if request else ""
            self._refused(refusal.kind, detail)
            headless = request is not None and request.method == "HEAD"
            refused = responses.failure(403, refusal.reason, closes=True, headless=headless)
            await self._send_and_close(refused, reader, writer)
        except Malformed as refusal:
            self._refused(f"what is no request here, {refusal.reason}", "")
            refused = responses.failure(
                refusal.status, f"docker-socket-proxy: {refusal.reason}", closes=True
            )
            await self._send_and_close(refused, reader, writer)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _received(self, reader: asyncio.StreamReader, coming: asyncio.Task[bytes]) -> bytes:
        """A whole head and perhaps more, empty where the client has no more to ask."""
        try:
            async with asyncio.timeout(self._limits.idle_seconds):
                received = await coming
        except TimeoutError:
            return b""
        try:
            async with asyncio.timeout(self._limits.head_seconds):
                while received and not request_parser.head_length(received):
                    piece = await reader.read(_PIECE)
                    received = received + piece if piece else b""
        except TimeoutError:
            raise Malformed("its head did not come to an end in time", 408) from None
        return received

    async def _serve(
        self,
        request: Request,
        asked: EngineRequest,
        coming: asyncio.Task[bytes],
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer; whether the connection is good for another request."""
        streams = asked.kind is Kind.EVENTS
        work = asyncio.create_task(
            self._stream(asked, writer) if streams else self._answer(asked, request.closes)
        )
        try:
            await asyncio.wait({work, coming}, return_when=asyncio.FIRST_COMPLETED)
            # Before its answer a client sends nothing: it has gone, or smuggles a request.
            if coming.done():
                if coming.result():
                    self._refused("a client that does not wait for its answer", "")
                return False
            whole = work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        if streams:
            return False
        await self._send(writer, whole)
        return not request.closes

    async def _answer(self, asked: EngineRequest, closes: bool) -> bytes:
        """The engine's answer, reduced; or what is wrong with it, in Docker's form."""
        try:
            async with (
                asyncio.timeout(self._limits.answer_seconds),
                self._engine.ask(asked.target) as reply,
            ):
                whole = await self._reduced(asked, reply, closes)
        except TimeoutError:
            seconds = self._limits.answer_seconds
            error = EngineError(f"the engine's answer did not end within {seconds:g} s", 504)
            return self._error_response(error, closes=closes, headless=asked.headless)
        except EngineError as error:
            return self._error_response(error, closes=closes, headless=asked.headless)
        self._engine_state("")
        return whole

    async def _reduced(self, asked: EngineRequest, reply: Reply, closes: bool) -> bytes:
        body = await reply.body(self._limits.answer_bytes)
        headless = asked.headless
        if reply.status != 200:
            return _failure(reply.status, body, closes=closes, headless=headless)
        if asked.kind is Kind.PING:
            kind = "text/plain; charset=utf-8"
            return responses.answer(200, b"OK", kind, closes=closes, headless=headless)
        try:
            reduced = _REDUCE[asked.kind](_parsed(body))
        except fields.Unreadable as error:
            raise EngineError(str(error)) from error
        return responses.answer(200, responses.encoded(reduced), closes=closes)

    async def _stream(self, asked: EngineRequest, writer: asyncio.StreamWriter) -> bytes:
        """Events as they happen, until the engine ends them."""
        begun = False
        try:
            async with self._engine.ask(asked.target) as reply:
                if reply.status != 200:
                    async with asyncio.timeout(self._limits.answer_seconds):
                        body = await reply.body(self._limits.answer_bytes)
                    await self._send(writer, _failure(reply.status, body, closes=True))
                    return b""
                await self._send(writer, responses.stream_head())
                begun = True
                self._engine_state("")
                async for line in reply.lines(self._limits.line_bytes):
                    happened = fields.event(_parsed(line))
                    if happened is not None:
                        data = responses.encoded(happened) + b"\n"
                        await self._send(writer, responses.chunk(data))
        except (EngineError, fields.Unreadable) as error:
            known = error if isinstance(error, EngineError) else EngineError(str(error))
            failed = self._error_response(known, closes=True)
            if not begun:
                await self._send(writer, failed)
        if begun:
            # Whatever ended it: the daemon takes an end as a reason to look at everything.
            await self._send(writer, responses.LAST_CHUNK)
        return b""

    def _error_response(self, error: EngineError, *, closes: bool, headless: bool = False) -> bytes:
        if error.away:
            self._engine_state(error.reason)
        else:
            self._refused(f"an answer of the engine's, {error.reason}", "")
        message = f"docker-socket-proxy: {error.reason}"
        return responses.failure(error.status, message, closes=closes, headless=headless)

    def _refused(self, kind: str, detail: str) -> None:
        """Log a refusal, once for each kind; `detail` may hold what a client has sent."""
        example = f": {ascii(detail)[:200]}" if detail else ""
        self._log_once((kind,), f"refused {kind}{example}; further ones are not logged")

    def _engine_state(self, problem: str) -> None:
        """Log when the engine goes away and when it comes back; empty where it answers."""
        if problem != self._engine_problem:
            self._log(problem or "the engine answers again")
        self._engine_problem = problem

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Write to a client that reads; ConnectionError for one that does not."""
        writer.write(data)
        try:
            async with asyncio.timeout(self._limits.write_seconds):
                await writer.drain()
        except TimeoutError:
            self._refused("a client that does not read its answer", "")
            raise ConnectionError from None

    async def _send_and_close(
        self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Send a last answer, to a client that may still be sending."""
        await self._send(writer, data)
        left = _LEFT_OVER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEFT_OVER_SECONDS):
                writer.write_eof()
                while left > 0 and (piece := await reader.read(_PIECE)):
                    left -= len(piece)


def listen(path: str, mode: int) -> socket.socket:
    """A socket with its mode from the first moment it has its name. OSError where it cannot be."""
    if os.path.lexists(path) and not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise FileExistsError(f"{path} exists and is no socket")
    partial = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(partial)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(partial)
        os.chmod(partial, mode)
        made.listen(128)
        os.rename(partial, path)
    except OSError:
        made.close()
        raise
    return made


def _failure(status: int, body: bytes, *, closes: bool, headless: bool = False) -> bytes:
    """An error of the engine's: the client gets its message, and none of its headers."""
    if status < 400:
        raise EngineError(f"the engine answers with {status}")
    try:
        message = fields.message(_parsed(body))
    except fields.Unreadable:
        message = ""
    shown = message or f"docker-socket-proxy: the engine answers with {status}"
    return responses.failure(status, shown, closes=closes, headless=headless)


def _parsed(text: bytes) -> object:
    try:
        return decoded(text)
    except ValueError:
        raise fields.Unreadable("the engine's answer is no JSON") from None
