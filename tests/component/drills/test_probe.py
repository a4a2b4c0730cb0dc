"""The probe against a server on loopback: what it counts is what a naive client sees."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest
from rollcall_agents.certificates import Authority
from rollcall_drills.history.clock import Clock
from rollcall_drills.history.records import Failure, Request
from rollcall_drills.history.settings import Settings
from rollcall_drills.observer.http_client import Endpoint
from rollcall_drills.observer.probe import Probe

from . import fakes
from .fakes import Action, Asked, answer, serving

# Seconds of a timeout that is waited for.
SHORT = 0.7
# Seconds of one that is not: no machine is so busy that an answer on loopback takes so long.
LONG = 60.0


def due(
    url: str,
    *,
    count: int = 30,
    rate: float = 100,
    post: float = 0.2,
    fresh: float = 0.5,
    timeout: float = LONG,
    meanwhile: Callable[[], None] | None = None,
) -> list[Request]:
    """All requests of a probe that ran until so many were over, by number.

    A machine that stands still makes them more, never fewer. `meanwhile` is called after 0.1 s.
    """
    settings = Settings(url, rate, post, fresh, timeout)
    found: list[Request] = []

    async def run() -> None:
        stop = asyncio.Event()
        if meanwhile is not None:
            asyncio.get_running_loop().call_later(0.1, meanwhile)

        def log(request: Request) -> None:
            found.append(request)
            if len(found) >= count:
                stop.set()

        await Probe(settings, Endpoint.from_url(url), Clock.set_now(), log).run(stop)

    asyncio.run(run())
    assert found, "the probe asked nothing"
    return sorted(found, key=lambda request: request.n)


def probed(url: str, **settings: Any) -> list[Request]:
    """Those of them that were sent: one that a busy machine made late says nothing of a server."""
    return [request for request in due(url, **settings) if not request.late]


def errors(requests: list[Request]) -> set[Failure | None]:
    """The ways in which they ended."""
    return {request.error for request in requests}


def test_an_answer_is_logged_with_all_it_says() -> None:
    """Status, instance, and the balancer's list of attempts come from the answer."""
    page = answer(
        "Hello World! I'm host-7 addr:1.", headers={"X-Backend": "10.0.0.1:80, 10.0.0.2:80"}
    )
    with serving(lambda asked: page) as server:
        first = probed(server.url)[0]
    assert (first.status, first.error, first.instance) == (200, None, "host-7")
    assert first.backend == "10.0.0.1:80, 10.0.0.2:80"
    assert 0 < first.latency < 1


def test_requests_are_due_at_the_rate(stood_still: Callable[[], float]) -> None:
    """Request n is due n intervals after the first one, and all are there."""
    with serving(lambda asked: answer()) as server:
        requests = due(server.url, count=100, rate=200)
    assert [request.n for request in requests] == list(range(len(requests)))
    assert len(requests) == pytest.approx(100, abs=3 + 200 * stood_still())
    first = requests[0].due
    assert all(r.due == pytest.approx(first + r.n / 200, abs=1e-5) for r in requests)


def test_a_slow_rate_is_kept(stood_still: Callable[[], float]) -> None:
    """Two a second are due at 0, 0.5 and 1 s, and no sooner."""
    with serving(lambda asked: answer()) as server:
        requests = due(server.url, count=3, rate=2)
        times = [one.at - server.asked[0].at for one in server.asked]
    assert len(requests) >= 3
    late = 0.1 + stood_still()
    assert times == [pytest.approx(request.n / 2, abs=late) for request in requests]


def test_posts_carry_a_body_and_fresh_ones_a_connection_of_their_own() -> None:
    """What is logged as POST and fresh is what the server sees."""
    with serving(lambda asked: answer()) as server:
        requests = probed(server.url, count=50)
        asked = list(server.asked)
    assert {one.body for one in asked if one.method == "POST"} == {b"rollcall drill\n"}
    assert {one.body for one in asked if one.method == "GET"} == {b""}
    assert len(asked) == len(requests)
    # The kept ones share sixteen; only one that came due while another was under way opens more.
    kept = [request for request in requests if not request.fresh]
    crowded = sum(
        any(other.over > request.due for other in kept[:before])
        for before, request in enumerate(kept)
    )
    opened = len({one.connection for one in asked}) - (len(requests) - len(kept))
    assert 16 <= opened <= 16 + crowded


def test_a_page_that_names_nobody_has_no_instance() -> None:
    """An answer without a name is an answer."""
    with serving(lambda asked: answer("ok")) as server:
        requests = probed(server.url)
    assert {request.instance for request in requests} == {None}
    assert errors(requests) == {None}


def test_an_error_of_the_server_is_a_failure_with_its_status() -> None:
    """503 is no answer, but it may name who was tried."""
    page = answer("sorry", "503 Service Unavailable", {"X-Backend": "10.0.0.1:80"})
    with serving(lambda asked: page) as server:
        requests = probed(server.url)
    assert {(r.error, r.status) for r in requests} == {(Failure.BAD_STATUS, 503)}
    assert requests[0].backend == "10.0.0.1:80"


def test_a_port_where_nobody_listens_refuses() -> None:
    """Refused is told apart."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        requests = probed(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert errors(requests) == {Failure.REFUSED}


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (fakes.reset, Failure.RESET),
        (fakes.close, Failure.CLOSED),
        (fakes.hang, Failure.TIMEOUT),
        (b"nonsense\r\n\r\n", Failure.PROTOCOL),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Failure.TIMEOUT),
    ],
)
def test_misbehaviour_has_its_name(action: Action, error: Failure) -> None:
    """Each way of not answering is counted as what it is."""
    with serving(lambda asked: action) as server:
        requests = probed(server.url, timeout=SHORT if error is Failure.TIMEOUT else LONG)
    assert errors(requests) == {error}


def test_a_connection_that_is_reset_at_once_is_a_failure_at_once(
    stood_still: Callable[[], float],
) -> None:
    """Before anything was asked, as a port's proxy does whose container is gone."""
    with serving(lambda asked: answer(), greet=fakes.reset) as server:
        requests = probed(server.url)
    assert errors(requests) == {Failure.RESET}
    # Far from the minute of the timeout.
    assert max(request.latency for request in requests) < 1 + stood_still()


def test_half_an_answer_is_none() -> None:
    """A connection that closes within the body leaves a failure, although the status was 200."""
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"

    def respond(asked: Asked) -> Action:
        def write_and_close(wire: fakes.Wire) -> None:
            wire.transport.write(half)
            wire.transport.close()

        return write_and_close

    with serving(respond) as server:
        requests = probed(server.url)
    assert errors(requests) == {Failure.CLOSED}
    assert {request.status for request in requests} == {None}


def test_an_answer_that_ends_with_the_connection_is_one() -> None:
    """Without a length the close is the end, as HTTP has it."""

    def respond(asked: Asked) -> Action:
        def write_and_close(wire: fakes.Wire) -> None:
            wire.transport.write(b"HTTP/1.1 200 OK\r\n\r\nI'm host-1 addr")
            wire.transport.close()

        return write_and_close

    with serving(respond) as server:
        requests = probed(server.url)
    assert {(r.error, r.instance) for r in requests} == {(None, "host-1")}


def test_nothing_is_asked_twice() -> None:
    """A failure is logged, not mended: the server sees each request once."""
    with serving(lambda asked: fakes.reset) as server:
        requests = probed(server.url)
        assert len(server.asked) == len(requests)


def test_what_the_server_wants_closed_is_not_used_again() -> None:
    """`Connection: close` in an answer is obeyed."""
    page = answer(headers={"Connection": "close"})
    with serving(lambda asked: page) as server:
        requests = probed(server.url, fresh=0)
        connections = {one.connection for one in server.asked}
    assert errors(requests) == {None}
    assert len(connections) == len(requests)


def test_latency_counts_from_the_moment_a_request_was_due() -> None:
    """A server that stands still for a second makes all that came due meanwhile slow, not one."""
    stalled: list[int] = []

    def respond(asked: Asked) -> Action:
        if len(server.asked) == 20 and not stalled:
            stalled.append(1)
            return fakes.stall(1.0, answer())
        return answer()

    with serving(respond) as server:
        requests = probed(server.url, count=160, fresh=0)
    assert errors(requests) == {None}
    stalled_one = max(requests, key=lambda request: request.latency)
    began, ended = stalled_one.due, stalled_one.over
    waiting = [request for request in requests if began + 0.1 < request.due < ended - 0.1]
    # 100 requests came due in that second, 80 of them well inside; a busy machine adds to both.
    assert len(waiting) >= 78
    assert all(request.over > began + 0.95 for request in waiting)


def test_what_the_probe_itself_delays_counts_too() -> None:
    """Requests that came due while this program slept have waited, whoever is to blame."""
    with serving(lambda asked: answer()) as server:
        requests = due(server.url, count=80, meanwhile=lambda: time.sleep(0.5))
    # A machine that has more to do makes it longer, never shorter.
    assert max(request.latency for request in requests) > 0.45
    assert sum(request.latency > 0.1 for request in requests) >= 32


def test_a_timeout_counts_from_the_moment_a_request_was_due(
    stood_still: Callable[[], float],
) -> None:
    """No request is waited for longer than the timeout, and each has all of it."""
    with serving(lambda asked: fakes.hang) as server:
        requests = probed(server.url, timeout=SHORT)
    assert errors(requests) == {Failure.TIMEOUT}
    assert all(SHORT - 0.01 < request.latency < 1 + stood_still() for request in requests)


def test_an_answer_that_comes_late_is_a_timeout() -> None:
    """What comes after the timeout is no answer any more."""
    with serving(lambda asked: fakes.after(SHORT + 0.2, answer())) as server:
        assert errors(probed(server.url, timeout=SHORT)) == {Failure.TIMEOUT}


def test_what_is_under_way_at_the_end_is_waited_for() -> None:
    """Stopping loses no request: all that were sent are logged with their answers."""
    with serving(lambda asked: fakes.after(0.3, answer())) as server:
        requests = probed(server.url, count=20)
        assert len(server.asked) == len(requests)
    assert errors(requests) == {None}


def test_a_probe_that_did_not_get_to_run_says_so() -> None:
    """Requests that could not be sent within a second are late, and were not sent."""
    with serving(lambda asked: answer()) as server:
        requests = due(server.url, count=190, meanwhile=lambda: time.sleep(1.5))
        asked = len(server.asked)
    late = [request for request in requests if request.late]
    # A busy machine makes more of them late, none makes fewer.
    assert 40 <= len(late) < len(requests)
    assert not any(request.failed for request in requests)
    assert asked == len(requests) - len(late)


def test_a_page_over_tls_is_asked_like_any_other(
    authority: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On kept connections and on fresh ones, whose latency has the handshake in it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    with serving(lambda asked: answer(), tls=tls) as server:
        requests = probed(server.url, count=50)
    assert errors(requests) == {None}
    assert {request.fresh for request in requests} == {True, False}


def test_a_page_that_is_not_trusted_gets_no_request(
    stranger: Authority, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users' browsers would not show it either: each request has failed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(stranger.pem))
    with serving(lambda asked: answer(), tls=tls) as server:
        requests = probed(server.url)
        assert server.asked == []
    assert errors(requests) == {Failure.PROTOCOL}
