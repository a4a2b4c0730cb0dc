"""Parses the head of a request; what two programs might read differently is refused. Pure."""

from __future__ import annotations

import dataclasses
import re

MOST_BYTES = 8192
MOST_HEADERS = 32
_END = b"\r\n\r\n"
# A carriage return at the very end may be half a line break.
_BARE_BREAK = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
_REQUEST_LINE = re.compile(r"([A-Z]{1,20}) ([!-~]+) HTTP/1\.1")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~]*)")
# A body, a promise of one, or another protocol: nobody who only reads has a use for them.
_FRAMING = (
    *("content-length", "transfer-encoding", "upgrade", "expect", "trailer", "te"),
    *("http2-settings", "proxy-connection", "keep-alive"),
)
_CONNECTION = {"keep-alive", "close"}


class Malformed(Exception):
    """Bytes that are not a request to this proxy: the reason, and the status of the answer."""

    def __init__(self, reason: str, status: int = 400) -> None:
        """The reason is shown to the client and in the log: it holds no word of the client's."""
        super().__init__(reason)
        self.reason = reason
        self.status = status


@dataclasses.dataclass(frozen=True)
class Request:
    """A request without a body; the names of its headers are in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    @property
    def closes(self) -> bool:
        """Whether the client wants the connection closed after the answer."""
        return "close" in _words(self.values("connection"))


def head_length(received: bytes) -> int:
    """The length of the head at the beginning of what was received, 0 while it is not all there.

    Malformed as soon as it cannot become one any more.
    """
    end = received.find(_END)
    length = end + len(_END) if end >= 0 else 0
    if max(length, 0 if length else len(received)) > MOST_BYTES:
        raise Malformed(f"the head has more than {MOST_BYTES} bytes", 431)
    if _BARE_BREAK.search(received[: length or len(received)]):
        raise Malformed("a line of the head does not end with CR and LF")
    return length


def request_from(head: bytes) -> Request:
    """Read a whole head, with its empty line; Malformed where it is none."""
    try:
        first, *lines = head.decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
    except UnicodeDecodeError:
        raise Malformed("the head holds more than ASCII") from None
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise Malformed("the first line is no request of HTTP/1.1")
    if len(lines) > MOST_HEADERS:
        raise Malformed(f"there are more than {MOST_HEADERS} headers", 431)
    headers = []
    for text in lines:
        header = _HEADER.fullmatch(text)
        if header is None:
            raise Malformed("a line of the head is no header")
        headers.append((header[1].lower(), header[2].strip(" \t")))
    return Request(line[1], line[2], tuple(headers))


def check_framing(request: Request) -> None:
    """Malformed where a request carries a body, changes the protocol, or has not one host."""
    for name in _FRAMING:
        if request.values(name):
            raise Malformed(f"the header {name} has no place here: a request has no body")
    if len(request.values("host")) != 1:
        raise Malformed("a request names one host")
    if _words(request.values("connection")) - _CONNECTION:
        raise Malformed("the header connection asks for more than keep-alive or close")


def _words(values: list[str]) -> set[str]:
    return {word.strip(" \t").lower() for value in values for word in value.split(",")}
