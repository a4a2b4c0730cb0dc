"""The engine at its socket: a connection for each question, an answer within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import AsyncIterator, Iterator

_STATUS = re.compile(r"HTTP/1\.[01] ([0-9]{3})(?: .*)?")
_LENGTH = re.compile(r"[0-9]{1,15}")
_PIECE = 65536
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})(?:;[^\r\n]*)?\r\n")


class EngineError(Exception):
    """The engine gave no usable answer: the reason, and the status for the client.

    `away` where the engine does not answer at all, not only where one answer is unusable.
    """

    def __init__(self, reason: str, status: int = 502, *, away: bool = False) -> None:
        """502, Bad Gateway, by default."""
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.away = away


@dataclasses.dataclass
class Reply:
    """An answer that has begun: its status, and its body as it comes."""

    status: int
    pieces: AsyncIterator[bytes]

    async def body(self, most: int) -> bytes:
        """The whole body; EngineError where it has more bytes than that."""
        found = bytearray()
        async for piece in self.pieces:
            found += piece
            if len(found) > most:
                raise EngineError(f"the engine's answer has more than {most} bytes")
        return bytes(found)

    async def lines(self, most: int) -> AsyncIterator[bytes]:
        """The lines of a stream, each as soon as it is whole; EngineError where one is too long."""
        rest = b""
        async for piece in self.pieces:
            *whole, rest = (rest + piece).split(b"\n")
            if len(rest) > most:
                raise EngineError(f"a line of the engine's events has more than {most} bytes")
            for line in whole:
                if line.strip():
                    yield line


@dataclasses.dataclass(frozen=True)
class Engine:
    """Where the engine is, and how long it may be silent before it has to begin an answer."""

    path: str
    seconds: float = 15.0

    @contextlib.asynccontextmanager
    async def ask(self, target: str) -> AsyncIterator[Reply]:
        """GET a path of ours; every failure, also while the answer is read, is an EngineError."""
        writer = None
        try:
            with _troubles(self.path):
                try:
                    async with asyncio.timeout(self.seconds):
                        reader, writer = await asyncio.open_unix_connection(self.path)
                        writer.write(_request(target))
                        reply = await _reply(reader)
                except TimeoutError:
                    reason = f"the engine at {self.path} does not answer within {self.seconds:g} s"
                    raise EngineError(reason, 504, away=True) from None
            # What goes wrong out there while the answer is read may be another's trouble.
            yield Reply(reply.status, _guarded(reply.pieces, self.path))
        finally:
            if writer is not None:
                writer.transport.abort()


@contextlib.contextmanager
def _troubles(path: str) -> Iterator[None]:
    """Whatever goes wrong with the connection is an EngineError."""
    try:
        yield
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        reason = str(error) or type(error).__name__
        raise EngineError(f"the engine at {path} cannot be read: {reason}", away=True) from error


async def _guarded(pieces: AsyncIterator[bytes], path: str) -> AsyncIterator[bytes]:
    with _troubles(path):
        async for piece in pieces:
            yield piece


def _request(target: str) -> bytes:
    lines = (
        *(f"GET {target} HTTP/1.1", "Host: docker", "User-Agent: docker-socket-proxy"),
        *("Accept: application/json", "Connection: close", "", ""),
    )
    return "\r\n".join(lines).encode("ascii")


async def _reply(reader: asyncio.StreamReader) -> Reply:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    status = _STATUS.fullmatch(first)
    if status is None or not 200 <= int(status[1]) <= 599:
        raise EngineError("the engine's answer is none of HTTP/1.1")
    headers = [line.lower().partition(":")[::2] for line in lines]
    framing = [
        (name, value.strip())
        for name, value in headers
        if name in ("content-length", "transfer-encoding")
    ]
    match framing:
        case []:
            pieces = _rest(reader)
        case [("transfer-encoding", "chunked")]:
            pieces = _chunks(reader)
        case [("content-length", length)] if _LENGTH.fullmatch(length):
            pieces = _counted(reader, int(length))
        case _:
            raise EngineError("the engine's answer has no usable length")
    return Reply(int(status[1]), pieces)


async def _counted(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    """So many bytes, in pieces as they come."""
    while length:
        piece = await reader.read(min(length, _PIECE))
        if not piece:
            raise EngineError("the engine broke off in the middle of its answer")
        length -= len(piece)
        yield piece


async def _rest(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await reader.read(_PIECE):
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        size = _CHUNK_SIZE.fullmatch(await reader.readuntil(b"\n"))
        if size is None:
            raise EngineError("a part of the engine's answer has no size")
        length = int(size[1], 16)
        if not length:
            return
        async for piece in _counted(reader, length):
            yield piece
        if await reader.readexactly(2) != b"\r\n":
            raise EngineError("a part of the engine's answer has no end")
