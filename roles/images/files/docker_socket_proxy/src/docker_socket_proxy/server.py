"""The gate at its own socket: a request at a time on each connection, and a deadline for all."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

from . import answers, fields, heads
from .engine import Engine, EngineError, Reply
from .heads import Malformed, Request
from .rules import Forbidden, Kind, Question, decide
from .telling import Telling

_PIECE = 4096
# What is read of a client that is refused while it still sends: it would not read its answer else.
_LEFT_OVER_BYTES, _LEFT_OVER_SECONDS = 262_144, 1.0
_REDUCE: dict[Kind, Callable[[object], Any]] = {
    Kind.VERSION: fields.version,
    Kind.LIST: fields.listing,
    Kind.INSPECT: fields.inspection,
}


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


class Gate:
    """Answers clients, and asks the engine on their behalf."""

    def __init__(
        self, engine: Engine, limits: Limits | None = None, telling: Telling | None = None
    ) -> None:
        """Nobody is connected."""
        self._engine = engine
        self._limits = limits or Limits()
        self._telling = telling or Telling()
        self._connected: set[asyncio.Task[None]] = set()

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection to its end."""
        task = asyncio.current_task()
        if task is None or len(self._connected) >= self._limits.connections:
            most = f"there are {self._limits.connections} connections, and no more are served"
            self._telling.refused("too many connections", most)
            writer.write(answers.failure(503, f"docker-gate: {most}", closes=True))
            writer.close()
            return
        self._connected.add(task)
        try:
            await self._converse(reader, writer)
        except (OSError, asyncio.CancelledError):
            # A client that has gone, or the gate's own end: neither has anybody to tell.
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

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Always listening: a client that goes away ends what is done for it.
        coming = asyncio.create_task(reader.read(_PIECE))
        request = None
        try:
            while received := await self._received(reader, coming):
                length = heads.head_length(received)
                request = heads.request_from(received[:length])
                question = decide(request)
                heads.check_framing(request)
                if len(received) > length:
                    raise Malformed("there is more than one request without a body")
                coming = asyncio.create_task(reader.read(_PIECE))
                if not await self._serve(request, question, coming, writer):
                    return
                request = None
        except Forbidden as refusal:
            detail = f"{request.method} {request.target}" if request else ""
            self._telling.refused(refusal.kind, detail)
            headless = request is not None and request.method == "HEAD"
            refused = answers.failure(403, refusal.reason, closes=True, headless=headless)
            await self._farewell(refused, reader, writer)
        except Malformed as refusal:
            self._telling.refused(f"what is no request here, {refusal.reason}", "")
            refused = answers.failure(refusal.status, f"docker-gate: {refusal.reason}", closes=True)
            await self._farewell(refused, reader, writer)
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
                while received and not heads.head_length(received):
                    piece = await reader.read(_PIECE)
                    received = received + piece if piece else b""
        except TimeoutError:
            raise Malformed("its head did not come to an end in time", 408) from None
        return received

    async def _serve(
        self,
        request: Request,
        question: Question,
        coming: asyncio.Task[bytes],
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer; whether the connection is good for another request."""
        streams = question.kind is Kind.EVENTS
        work = asyncio.create_task(
            self._stream(question, writer) if streams else self._answer(question, request.closes)
        )
        try:
            await asyncio.wait({work, coming}, return_when=asyncio.FIRST_COMPLETED)
            # Before its answer a client has nothing to say: it has gone, or it smuggles.
            if coming.done():
                if coming.result():
                    self._telling.refused("a client that does not wait for its answer", "")
                return False
            whole = work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        if streams:
            return False
        await self._send(writer, whole)
        return not request.closes

    async def _answer(self, question: Question, closes: bool) -> bytes:
        """The engine's answer, reduced; or what is wrong with it, in Docker's form."""
        try:
            async with (
                asyncio.timeout(self._limits.answer_seconds),
                self._engine.ask(question.target) as reply,
            ):
                whole = await self._reduced(question, reply, closes)
        except TimeoutError:
            seconds = self._limits.answer_seconds
            error = EngineError(f"the engine's answer did not end within {seconds:g} s", 504)
            return self._trouble(error, closes=closes, headless=question.headless)
        except EngineError as error:
            return self._trouble(error, closes=closes, headless=question.headless)
        self._telling.engine("")
        return whole

    async def _reduced(self, question: Question, reply: Reply, closes: bool) -> bytes:
        body = await reply.body(self._limits.answer_bytes)
        headless = question.headless
        if reply.status != 200:
            return _failure(reply.status, body, closes=closes, headless=headless)
        if question.kind is Kind.PING:
            kind = "text/plain; charset=utf-8"
            return answers.answer(200, b"OK", kind, closes=closes, headless=headless)
        try:
            reduced = _REDUCE[question.kind](_parsed(body))
        except fields.Unreadable as error:
            raise EngineError(str(error)) from error
        return answers.answer(200, answers.encoded(reduced), closes=closes)

    async def _stream(self, question: Question, writer: asyncio.StreamWriter) -> bytes:
        """Events as they happen, until the engine ends them."""
        begun = False
        try:
            async with self._engine.ask(question.target) as reply:
                if reply.status != 200:
                    async with asyncio.timeout(self._limits.answer_seconds):
                        body = await reply.body(self._limits.answer_bytes)
                    await self._send(writer, _failure(reply.status, body, closes=True))
                    return b""
                await self._send(writer, answers.stream_head())
                begun = True
                self._telling.engine("")
                async for line in reply.lines(self._limits.line_bytes):
                    happened = fields.event(_parsed(line))
                    if happened is not None:
                        data = answers.encoded(happened) + b"\n"
                        await self._send(writer, answers.chunk(data))
        except (EngineError, fields.Unreadable) as error:
            known = error if isinstance(error, EngineError) else EngineError(str(error))
            trouble = self._trouble(known, closes=True)
            if not begun:
                await self._send(writer, trouble)
        if begun:
            # Whatever ended it: the daemon takes an end as a reason to look at everything.
            await self._send(writer, answers.LAST_CHUNK)
        return b""

    def _trouble(self, error: EngineError, *, closes: bool, headless: bool = False) -> bytes:
        if error.away:
            self._telling.engine(error.reason)
        else:
            self._telling.refused(f"an answer of the engine's, {error.reason}", "")
        said = f"docker-gate: {error.reason}"
        return answers.failure(error.status, said, closes=closes, headless=headless)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Write to a client that reads; ConnectionError for one that does not."""
        writer.write(data)
        try:
            async with asyncio.timeout(self._limits.write_seconds):
                await writer.drain()
        except TimeoutError:
            self._telling.refused("a client that does not read its answer", "")
            raise ConnectionError from None

    async def _farewell(
        self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """A last answer, to a client that may still be sending."""
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
    """A failure of the engine's: its own words are for the client, its other headers are not."""
    if status < 400:
        raise EngineError(f"the engine answers with {status}")
    try:
        said = fields.message(_parsed(body))
    except fields.Unreadable:
        said = ""
    told = said or f"docker-gate: the engine answers with {status}"
    return answers.failure(status, told, closes=closes, headless=headless)


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    # RecursionError: brackets in brackets, thousands of them.
    except (ValueError, RecursionError):
        raise fields.Unreadable("the engine's answer is no JSON") from None
