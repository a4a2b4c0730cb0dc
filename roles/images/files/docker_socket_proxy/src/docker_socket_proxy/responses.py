"""The proxy's responses as bytes of HTTP/1.1. Pure."""

from __future__ import annotations

import http
import json
from typing import Any

LAST_CHUNK = b"0\r\n\r\n"
_JSON = "application/json"


def answer(
    status: int, body: bytes, kind: str = _JSON, *, closes: bool = False, headless: bool = False
) -> bytes:
    """A whole answer; without its body for HEAD."""
    head = _head(status, f"Content-Type: {kind}", f"Content-Length: {len(body)}", closes=closes)
    return head if headless else head + body


def failure(status: int, message: str, *, closes: bool = False, headless: bool = False) -> bytes:
    """An error in the form that Docker's clients read."""
    return answer(status, encoded({"message": message}), closes=closes, headless=headless)


def encoded(value: Any) -> bytes:
    """A value as JSON, in one line."""
    return json.dumps(value, separators=(",", ":")).encode()


def stream_head() -> bytes:
    """The head of an answer whose parts come when something happens."""
    return _head(200, f"Content-Type: {_JSON}", "Transfer-Encoding: chunked", closes=True)


def chunk(data: bytes) -> bytes:
    """One part of such an answer."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def _head(status: int, *headers: str, closes: bool) -> bytes:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    end = ("Connection: close",) if closes else ()
    lines = (f"HTTP/1.1 {status} {phrase}", *headers, *end, "", "")
    return "\r\n".join(lines).encode("ascii")
