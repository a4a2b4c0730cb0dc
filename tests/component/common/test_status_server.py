"""Status pages over TCP and Unix sockets."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import stat
import threading
from collections.abc import Iterator, Mapping

import pytest
import urllib3
from rollcall_common.status_server import JSON, METRICS, Page, StatusServer
from rollcall_common.unix_http import UnixPool


def health(_parameters: Mapping[str, str]) -> Page:
    """A page that is always the same."""
    return Page("healthy\n")


PAGES = {
    "/healthz": health,
    "/metrics": lambda parameters: Page(f"up {parameters.get('n', 1)}\n", METRICS),
    "/late": lambda _: Page("too late\n", status=503),
}


@pytest.fixture
def url() -> Iterator[str]:
    """A server on loopback."""
    server = StatusServer(("127.0.0.1", 0), PAGES)
    yield f"http://127.0.0.1:{server.port}"
    server.close()


@pytest.fixture(name="http")
def _http() -> Iterator[urllib3.PoolManager]:
    """A client."""
    with urllib3.PoolManager(retries=False, timeout=30) as manager:
        yield manager


def test_a_page_is_served_with_its_type(url: str, http: urllib3.PoolManager) -> None:
    """The parameters of the query reach it."""
    answer = http.request("GET", f"{url}/metrics?n=3")
    assert (answer.status, answer.data) == (200, b"up 3\n")
    assert answer.headers["Content-Type"] == METRICS


def test_a_page_has_its_own_status(url: str, http: urllib3.PoolManager) -> None:
    """A health check that fails is 503."""
    assert http.request("GET", f"{url}/late").status == 503


def test_a_head_has_no_body(url: str, http: urllib3.PoolManager) -> None:
    """Some health checks ask for the head only."""
    answer = http.request("HEAD", f"{url}/healthz")
    assert (answer.status, answer.data) == (200, b"")


@pytest.mark.parametrize(("method", "status"), [("GET", 404), ("POST", 405)])
def test_nothing_else_is_served(
    url: str, http: urllib3.PoolManager, method: str, status: int
) -> None:
    """The answer names the pages."""
    answer = http.request(method, f"{url}/")
    assert answer.status == status
    assert method == "POST" or b"/healthz" in answer.data


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1"])
def test_an_address_is_listened_on(host: str, http: urllib3.PoolManager) -> None:
    """Every address where no host is named."""
    server = StatusServer((host, 0), PAGES)
    answer = http.request("GET", f"http://{host or '127.0.0.1'}:{server.port}/healthz")
    server.close()
    assert answer.status == 200


def test_an_address_that_is_taken_is_an_error(url: str) -> None:
    """The second program on a host fails at its start."""
    with pytest.raises(OSError, match="in use"):
        StatusServer(("127.0.0.1", int(url.rpartition(":")[2])), PAGES)


def test_a_unix_socket_has_its_mode_and_takes_actions(tmp_path: pathlib.Path) -> None:
    """Only where there are actions does POST do anything; a socket that was left is replaced."""
    path = tmp_path / "control.sock"
    path.touch()
    done: list[Mapping[str, str]] = []

    def accept(parameters: Mapping[str, str]) -> Page:
        done.append(parameters)
        return Page("{}\n", JSON)

    server = StatusServer(path, PAGES, {"/accept": accept}, mode=0o600)
    with contextlib.closing(server), contextlib.closing(UnixPool(str(path), timeout=30)) as client:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert client.request("POST", "/accept?service=web").headers["Content-Type"] == JSON
        assert client.request("GET", "/healthz").data == b"healthy\n"
    assert done == [{"service": "web"}]


def test_a_server_that_is_closed_is_gone(tmp_path: pathlib.Path) -> None:
    """It ends although nobody connects."""
    before = threading.active_count()
    StatusServer(tmp_path / "status.sock", PAGES).close()
    StatusServer(("127.0.0.1", 0), PAGES).close()
    assert threading.active_count() == before


def test_many_may_connect_at_once(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is busy elsewhere makes them wait; none is refused (EAGAIN)."""
    idle, serve = threading.Event(), StatusServer._serve
    monkeypatch.setattr(StatusServer, "_serve", lambda server: idle.wait() and serve(server))
    server = StatusServer(tmp_path / "status.sock", PAGES)
    with contextlib.ExitStack() as stack:
        stack.callback(server.close)
        stack.callback(idle.set)
        for _each in range(32):
            asker = stack.enter_context(socket.socket(socket.AF_UNIX))
            asker.setblocking(False)
            assert asker.connect_ex(str(tmp_path / "status.sock")) == 0
