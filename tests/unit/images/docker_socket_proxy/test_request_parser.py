"""A request's head is read in one way or not at all."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.builders import (
    head,
    request,
)
from docker_socket_proxy.request_parser import (
    MOST_BYTES,
    MOST_HEADERS,
    Malformed,
    check_framing,
    head_length,
    request_from,
)
from hypothesis import given, settings
from hypothesis import strategies as st

quick = settings(max_examples=300, derandomize=True, database=None, deadline=None)


def test_a_head_is_read() -> None:
    """Names are of no case, values of no surrounding space."""
    whole = head("GET /version?a=b", "Accept:  x, y\t", "X-A:")
    assert head_length(whole + b"more") == len(whole)
    found = request_from(whole)
    assert (found.method, found.target) == ("GET", "/version?a=b")
    assert found.headers == (("host", "localhost"), ("accept", "x, y"), ("x-a", ""))


def test_half_a_head_is_waited_for() -> None:
    """Wherever it was cut."""
    whole = head("GET /version", "Accept: x")
    for length in range(len(whole)):
        assert head_length(whole[:length]) == 0


@pytest.mark.parametrize(
    "received",
    [
        *(b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost: a\n\r\n\r\n"),
        *(b"\n", b"GET / HTTP/1.1\rHost: a\r\n\r\n", b"GET / HTTP/1.1\r\r\n"),
    ],
)
def test_a_line_that_ends_otherwise_is_refused_at_once(received: bytes) -> None:
    """Some programs take a bare LF for an end, others for a part of a value."""
    with pytest.raises(Malformed, match="CR and LF"):
        head_length(received)


def test_a_head_without_end_is_refused() -> None:
    """Before it fills the memory, and a whole one that is too long as well."""
    long = head("GET /version", "A: " + "a" * MOST_BYTES)
    for received in (long, long[: MOST_BYTES + 1]):
        with pytest.raises(Malformed) as refused:
            head_length(received)
        assert refused.value.status == 431
    fitting = head("GET /" + "a" * (MOST_BYTES - len(head("GET /"))))
    assert head_length(fitting) == len(fitting) == MOST_BYTES


def test_what_follows_a_head_is_not_counted_as_one() -> None:
    """A small request with a large body is refused for what it is, not for its size."""
    assert head_length(head() + b"a" * MOST_BYTES) == len(head())


def test_too_many_headers_are_refused() -> None:
    """Though they are short."""
    more = ["A: b"] * (MOST_HEADERS - 1)
    request_from(head("GET /", *more))
    with pytest.raises(Malformed) as refused:
        request_from(head("GET /", *more, "A: b"))
    assert refused.value.status == 431


@pytest.mark.parametrize(
    "line",
    [
        *(
            "",
            "GET",
            "GET /",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.0",
            "GET / HTTP/2.0",
            " GET / HTTP/1.1",
        ),
        *("GET / HTTP/1.1 ", "GET /a b HTTP/1.1", "get / HTTP/1.1", "GET\t/ HTTP/1.1"),
        *("GET /\u00e9 HTTP/1.1", "GET /\x00 HTTP/1.1", "GET / http/1.1", "G-T / HTTP/1.1"),
        *("PRI * HTTP/2.0", "GET /a HTTP/1.1 HTTP/1.1"),
    ],
    ids=ascii,
)
def test_another_first_line_is_refused(line: str) -> None:
    """One space, one version, printable ASCII."""
    with pytest.raises(Malformed):
        request_from(f"{line}\r\nHost: a\r\n\r\n".encode())


@pytest.mark.parametrize(
    "line",
    [
        *("a", " a: b", "\ta: b", "a : b", "a\x00: b", "a: b\x00", "a: \x7f", ": b", "a b: c"),
        *("a: \u00e9", "\u00e9: a", "(a): b"),
    ],
    ids=ascii,
)
def test_what_is_no_header_is_refused(line: str) -> None:
    """Folded lines, spaces before the colon, control characters."""
    with pytest.raises(Malformed):
        request_from(f"GET / HTTP/1.1\r\n{line}\r\n\r\n".encode())


@pytest.mark.parametrize(
    "name",
    [
        *("Content-Length", "Transfer-Encoding", "Upgrade", "Expect", "Trailer", "TE"),
        *("Proxy-Connection", "Keep-Alive", "HTTP2-Settings"),
    ],
)
def test_a_body_or_another_protocol_is_refused(name: str) -> None:
    """Also an empty one: who reads has no use for it."""
    for value in ("0", "chunked", "tcp", ""):
        with pytest.raises(Malformed, match=name.lower()):
            check_framing(request("GET /_ping", (name.lower(), value)))


@pytest.mark.parametrize(
    "value", ["upgrade", "Upgrade", "keep-alive, upgrade", "close,", "", "x-host", "close, host"]
)
def test_a_connection_is_for_requests(value: str) -> None:
    """No hijack, and no header that a proxy would take away."""
    with pytest.raises(Malformed, match="connection"):
        check_framing(request("GET /_ping", ("connection", value)))


@pytest.mark.parametrize(("value", "closes"), [("keep-alive", False), ("Close", True)])
def test_a_client_says_whether_it_goes_on(value: str, closes: bool) -> None:
    """Without a word it does."""
    asked = request("GET /_ping", ("connection", value))
    check_framing(asked)
    assert asked.closes is closes
    assert not request("GET /_ping").closes


def test_a_request_names_one_host() -> None:
    """Two would be read differently by two programs; none is not HTTP/1.1."""
    for headers in (b"", b"Host: a\r\nHost: b\r\n"):
        asked = request_from(b"GET / HTTP/1.1\r\n" + headers + b"\r\n")
        with pytest.raises(Malformed, match="one host"):
            check_framing(asked)


@quick
@given(st.binary(max_size=200), st.integers(0, 60))
def test_nothing_that_is_sent_breaks_the_reading(noise: bytes, place: int) -> None:
    """Every text is a head, not yet one, or refused; and a head never holds a bare line break."""
    whole = head("GET /version", "Accept: x")
    received = whole[:place] + noise + whole[place:]
    try:
        length = head_length(received)
        if length:
            found = request_from(received[:length])
            words = [found.method, found.target, *(word for pair in found.headers for word in pair)]
            assert all(word.isprintable() or "\t" in word for word in words)
            assert not any(mark in word for word in words for mark in "\r\n\0")
    except Malformed:
        pass
