"""The instance sees what the client said, and the client sees no internal address."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage

WEB = [{"name": "web"}]


def raw(stage: NginxStage, line: str, address: str = "127.0.0.1") -> str:
    """The answer to a request line that no HTTP library would write."""
    with socket.create_connection((address, stage.port), timeout=10) as client:
        client.sendall(f"GET {line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    return answer.decode().partition("\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("path", "stripped"),
    [
        ("/api/users/john%2Fdoe", "/users/john%2Fdoe"),
        ("/api//a//b?x=//&y=%20", "//a//b?x=//&y=%20"),
        ("//api/x", "/x"),
        ("/%61pi/x", "/x"),
        ("/api", "/"),
        ("/api?x", "/?x"),
        ("/api/%0d%0aX:y", "/%0d%0aX:y"),
        ("/x/../api/%20b", "/%20b"),
        ("/api/a/../%2561", "/%2561"),
        ("http://a/api/x%2F", "/x%2F"),
    ],
)
def test_a_path_is_removed_and_every_other_byte_stays(
    stage: NginxStage, path: str, stripped: str
) -> None:
    """As the client wrote them; only where dot segments are resolved the path is written anew."""
    stage.backend("one")
    stage.start(services=[{"name": "web", "path": "/api", "strip_path": True}])
    stage.rotates(web=1)
    assert raw(stage, path) == f"one {stripped}"


def test_without_a_removed_path_every_byte_stays(stage: NginxStage) -> None:
    """Slashes and escapes arrive as they were sent."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    assert raw(stage, "//a/%2e%2E/b%2Fc//?q=%61") == "one //a/%2e%2E/b%2Fc//?q=%61"


def test_the_operators_headers_are_on_every_answer(stage: NginxStage) -> None:
    """Of instances, of nginx itself, and of a service without an instance."""
    stage.backend("one")
    stage.start(
        services=[*WEB, {"name": "empty", "path": "/empty"}],
        backend_header=False,
        server_snippet="add_header X-Frame-Options DENY always;",
    )
    stage.serving("one")
    for path, status in (("/", 200), ("/empty", 503), ("/?code=404", 404)):
        answer = stage.get(path)
        assert (answer.status, answer.headers["X-Frame-Options"]) == (status, "DENY")
        assert "X-Backend" not in answer.headers
    assert stage.get("/empty").headers["Retry-After"] == "1"


def test_an_empty_service_shows_no_socket(stage: NginxStage) -> None:
    """Neither in the header nor in the log."""
    stage.start(services=WEB)
    answer = stage.get("/nobody")
    assert (answer.status, answer.headers["X-Backend"]) == (503, None)
    [row] = stage.sees(
        "the request", lambda: [row for row in stage.requests() if "nobody" in row["request"]]
    )
    assert (row["backend"], row["attempts"], row["service"]) == ("", 0, "web")


def test_a_malformed_request_costs_one_line_of_the_log(stage: NginxStage) -> None:
    """400, and no warning about a variable without a value."""
    stage.start(services=WEB)
    raw(stage, "/ /")
    stage.sees("the request", lambda: [row for row in stage.requests() if row["status"] == 400])
    assert "uninitialized" not in stage.log()


def test_http2_is_spoken(stage: NginxStage) -> None:
    """By TLS."""
    stage.backend("one")
    stage.start(services=WEB, **stage.tls(main="main.example"))
    stage.serving("one")
    words = ["curl", "-sSk", "--http2", "-o", "/dev/null", "-D", "-"]
    said = stage.inside(*words, f"https://127.0.0.1:{stage.tls_port}/")
    assert said.startswith("HTTP/2 200")


def test_render_prints_what_is_in_use(stage: NginxStage) -> None:
    """The whole configuration, as nginx reads it."""
    stage.start(services=WEB, http_snippet="# of the operator")
    said = stage.inside("nginx-lb", "render")
    assert "# of the operator" in said
    assert "upstream web {" in said
