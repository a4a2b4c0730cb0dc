"""The client's small parts: where a URL leads, and what an error means."""

from __future__ import annotations

import asyncio
import errno
import os
import ssl

import pytest
from rollcall_drills.history.records import Failure
from rollcall_drills.observer.http_client import Connection, Endpoint, failure_of


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ECONNREFUSED, Failure.REFUSED),
        (errno.ECONNRESET, Failure.RESET),
        (errno.EPIPE, Failure.RESET),
        (errno.ECONNABORTED, Failure.RESET),
        (errno.ETIMEDOUT, Failure.TIMEOUT),
        (errno.EHOSTUNREACH, Failure.UNREACHABLE),
        (errno.ENETUNREACH, Failure.UNREACHABLE),
        (errno.EMFILE, Failure.LATE),
        (errno.EADDRNOTAVAIL, Failure.LATE),
    ],
)
def test_the_systems_errors_have_their_kinds(number: int, kind: Failure) -> None:
    """What this machine lacks itself is no failure of the other side."""
    assert failure_of(OSError(number, os.strerror(number))) is kind


def test_a_broken_record_of_tls_is_no_lack_of_ours() -> None:
    """The numbers of OpenSSL's errors are not the system's."""
    assert failure_of(ssl.SSLError(errno.ENOMEM, "bad record mac")) is Failure.PROTOCOL


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:8500", Endpoint("127.0.0.1", 8500, "127.0.0.1:8500", "/")),
        ("http://127.0.0.1/a?b=c", Endpoint("127.0.0.1", 80, "127.0.0.1", "/a?b=c")),
        ("http://[::1]:81/", Endpoint("::1", 81, "[::1]:81", "/")),
        ("https://127.0.0.1:8501", Endpoint("127.0.0.1", 8501, "127.0.0.1:8501", "/", "127.0.0.1")),
        ("https://[::1]/", Endpoint("::1", 443, "[::1]", "/", "::1")),
    ],
)
def test_a_url_leads_somewhere(url: str, place: Endpoint) -> None:
    """Address, port, Host header, path with its query, and the certificate's tls_name."""
    assert Endpoint.from_url(url) == place


def test_nothing_is_asked_after_a_good_bye() -> None:
    """TLS takes a moment to close, in which its transport says that it is open."""

    class Slow(asyncio.Transport):
        closing = False

        def is_closing(self) -> bool:
            return self.closing

        def abort(self) -> None:
            self.closing = True

    connection = Connection()
    connection.connection_made(Slow())
    assert connection.reusable
    connection.eof_received()
    assert not connection.reusable
