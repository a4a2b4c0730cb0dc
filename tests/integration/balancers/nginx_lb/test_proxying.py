"""The instance sees what the client said, and the client sees no internal address."""

from __future__ import annotations

import json
import pathlib
import socket
import ssl
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.certificates import certificate
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage

WEB = [{"name": "web"}]


def seen(stage: NginxStage, **more: Any) -> dict[str, str]:
    """The headers that the instance got."""
    found: dict[str, str] = json.loads(stage.get("/headers", **more).text)
    return found


def raw(stage: NginxStage, line: str, address: str = "127.0.0.1") -> str:
    """The answer to a request line that no HTTP library would write."""
    with socket.create_connection((address, stage.port), timeout=10) as client:
        client.sendall(f"GET {line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    return answer.decode().partition("\r\n\r\n")[2]


def test_the_host_is_what_the_client_said(stage: NginxStage) -> None:
    """With its port, on which the client reached the balancer."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    found = seen(stage, host="shop.example.org:18080")
    assert found["Host"] == found["X-Forwarded-Host"] == "shop.example.org:18080"
    assert found["X-Forwarded-Port"] == str(stage.port)
    assert found["X-Forwarded-Proto"] == "http"


STRANGE = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "bank.example",
    "X-Forwarded-Port": "444",
    "X-Real-IP": "6.6.6.6",
    "Forwarded": "for=6.6.6.6",
    "Proxy": "http://6.6.6.6",
    "X-Original-URL": "/admin",
    "X-Rewrite-URL": "/admin",
}


def test_a_stranger_says_nothing_about_itself(stage: NginxStage) -> None:
    """What only a proxy may say is overwritten or cleared."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    found = seen(stage, host="a.example", headers=STRANGE)
    assert {name: found.get(name) for name in STRANGE} == {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "a.example",
        "X-Forwarded-Port": str(stage.port),
        "X-Real-IP": "127.0.0.1",
        "Forwarded": None,
        "Proxy": None,
        "X-Original-URL": None,
        "X-Rewrite-URL": None,
    }


def test_a_trusted_proxy_is_believed(stage: NginxStage) -> None:
    """It is added to the list of addresses; what no proxy says is cleared all the same."""
    stage.backend("one")
    stage.start(services=WEB, real_ip_from=["127.0.0.0/8"])
    stage.serving("one")
    found = seen(stage, headers=STRANGE)
    assert {name: found.get(name) for name in STRANGE} == {
        "X-Forwarded-For": "6.6.6.6, 127.0.0.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "bank.example",
        "X-Forwarded-Port": "444",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
        "Proxy": None,
        "X-Original-URL": None,
        "X-Rewrite-URL": None,
    }


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


def test_both_ip_families_are_served(stage: NginxStage) -> None:
    """On the same port."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    assert raw(stage, "/", "::1") == "one /"


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


def test_a_trailing_dot_is_the_same_host(stage: NginxStage) -> None:
    """A fully qualified name."""
    stage.backend("one", "shop")
    stage.start(services=[{"name": "shop", "hosts": ["shop.example"]}])
    stage.rotates(shop=1)
    assert stage.get(host="shop.example.").text == "one /"


def test_tls_is_modern(stage: NginxStage, tmp_path: pathlib.Path) -> None:
    """HTTP/2, forward secrecy only, no session tickets, and HSTS where that is set."""
    stage.backend("one")
    certificate(tmp_path, "main", "main.example")
    for kind in ("pem", "key"):
        (stage.certificates / f"main.{kind}").write_text((tmp_path / f"main.{kind}").read_text())
    tls = {"port": stage.tls_port, "certificates": [{"name": "main"}]}
    stage.start(services=WEB, tls=tls, hsts=63072000)
    stage.serving("one")
    assert "Strict-Transport-Security" not in stage.get().headers
    words = ["curl", "-sSk", "--http2", "-o", "/dev/null", "-D", "-"]
    said = stage.inside(*words, f"https://127.0.0.1:{stage.tls_port}/")
    assert said.startswith("HTTP/2 200")
    assert "strict-transport-security: max-age=63072000" in said
    for refused in ("AES128-SHA", "ECDHE-RSA-AES128-SHA256", "AES256-GCM-SHA384"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(f"{refused}:@SECLEVEL=0")
        with (
            socket.create_connection(("127.0.0.1", stage.tls_port), timeout=10) as plain,
            pytest.raises(ssl.SSLError),
        ):
            context.wrap_socket(plain)


def test_render_prints_what_is_in_use(stage: NginxStage) -> None:
    """The whole configuration, as nginx reads it."""
    stage.start(services=WEB, http_snippet="# of the operator")
    said = stage.inside("nginx-lb", "render")
    assert "# of the operator" in said
    assert "upstream web {" in said
