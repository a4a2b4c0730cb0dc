"""Requests find their service by host and path, and reach it as they were meant."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.backends import Backend, vanished
from ansible_collections.rollcall.discovery.tests.support.balancer.certificates import certificate
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import WebSocket, ask
from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import Stages
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage
from ansible_collections.rollcall.discovery.tests.support.stalls import at_most

WEB = [{"name": "web"}]


def test_hash_sends_one_key_to_one_instance(stage: NginxStage) -> None:
    """The same cookie finds the same instance, many cookies find all."""
    for name in ("one", "two", "three"):
        stage.backend(name)
    stage.start(services=[{"name": "web", "balance": "hash", "hash_key": "cookie:user"}])
    stage.knows(3)

    def asked(user: str) -> str:
        return stage.get(headers={"Cookie": f"user={user}"}).text.split()[0]

    assert all(len({asked(f"u{number}") for _ in range(5)}) == 1 for number in range(5))
    assert {asked(f"u{number}") for number in range(60)} == {"one", "two", "three"}


def test_the_real_client_is_told(stage: NginxStage) -> None:
    """Its address, scheme and host; from a trusted proxy in front, the one that it names."""
    stage.backend("one")
    stage.start(services=WEB, real_ip_from=[stage.place.network])
    stage.serving("one")
    told = {"X-Forwarded-For": "203.0.113.9"}
    headers = json.loads(stage.get("/headers", host="a.example", headers=told).text)
    assert headers["X-Real-IP"] == "203.0.113.9"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["Host"] == headers["X-Forwarded-Host"] == "a.example"
    stage.settings(services=WEB)
    stage.acknowledged()
    headers = json.loads(stage.get("/headers", headers=told).text)
    assert headers["X-Real-IP"] != "203.0.113.9"


def test_answers_are_compressed_where_that_is_asked_for(stage: NginxStage) -> None:
    """gzip for who takes it."""
    stage.backend("one")
    stage.start(services=WEB, gzip=True)
    stage.serving("one")
    headers = stage.get("/big", headers={"Accept-Encoding": "gzip"}).headers
    assert (headers.get("Content-Encoding"), headers["Vary"]) == ("gzip", "Accept-Encoding")


def test_acknowledged_settings_are_every_workers(stage: NginxStage) -> None:
    """No worker from before the reload accepts a connection any more."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    for number in range(20):
        stage.settings(services=WEB, health_path=f"/alive-{number}")
        stage.acknowledged()
        assert {stage.get(f"/alive-{number}").text[:1] for _ in range(5)} == {"{"}


def test_a_websocket_passes(stage: NginxStage) -> None:
    """Upgraded, and every byte comes back; a reload does not cut it."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    before = stage.loaded()
    with contextlib.closing(WebSocket(stage.place.address, stage.port)) as connection:
        assert connection.echo("before") == "before"
        stage.settings(services=[*WEB, {"name": "shop", "hosts": ["shop.example"]}])
        # The worker that has the WebSocket lives as long as that.
        stage.sees("a reload", lambda: stage.loaded() > before)
        assert connection.echo("after") == "after"


def names_of(stage: NginxStage, host: str) -> str:
    """The host that the certificate is for which is shown to who asks for `host`."""
    shown = ssl.create_default_context()
    shown.check_hostname, shown.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((stage.place.address, stage.tls_port), 5) as plain,
        shown.wrap_socket(plain, server_hostname=host) as secure,
    ):
        text = ssl.DER_cert_to_PEM_cert(secure.getpeercert(True) or b"")
    done = subprocess.run(
        ["openssl", "x509", "-noout", "-subject"], input=text, text=True, capture_output=True
    )
    return done.stdout.rpartition("=")[2].strip()


def test_tls_ends_here(stage: NginxStage) -> None:
    """Each host has its certificate, plain requests are sent there, a renewal needs no restart."""
    stage.backend("one")
    certificate(stage.certificates, "main", "main.example")
    certificate(stage.certificates, "shop", "shop.example")
    stage.start(
        services=[{"name": "web"}, {"name": "web", "hosts": ["shop.example"]}],
        tls={
            "port": stage.tls_port,
            "certificates": [{"name": "main"}, {"name": "shop", "hosts": ["shop.example"]}],
            "redirect": True,
        },
    )
    stage.knows(1)
    answer = stage.get("/a?b", host="shop.example")
    assert answer.status == 308
    assert answer.headers["Location"] == f"https://shop.example:{stage.tls_port}/a?b"
    assert names_of(stage, "shop.example") == "shop.example"
    assert names_of(stage, "other.example") == "main.example"
    trusted = ssl.create_default_context(cafile=stage.certificates / "main.pem")
    trusted.check_hostname = False
    connection = http.client.HTTPSConnection(
        stage.place.address, stage.tls_port, context=trusted, timeout=5
    )
    with contextlib.closing(connection):
        connection.request("GET", "/headers", headers={"Host": "main.example"})
        headers = json.loads(connection.getresponse().read())
    assert headers["X-Forwarded-Proto"] == "https"
    certificate(stage.certificates, "main", "renewed.example")
    stage.sees("the renewed one", lambda: names_of(stage, "other.example") == "renewed.example")


def test_a_service_that_presents_itself_is_routed(stage: NginxStage) -> None:
    """Its tags say where; what is outside the operator's domain is skipped and told."""
    stage.start(discover={"tag": "lb", "hosts": ["*.apps.example"]})
    stage.backend("one", "shop", Tags=["lb", "lb.host=shop.apps.example", "lb.path=/buy"])
    stage.backend("two", "evil", Tags=["lb", "lb.host=bank.example"])
    stage.backend("three", "quiet", Tags=["lb.host=quiet.apps.example"])
    stage.sees(
        "the route", lambda: stage.get("/buy", host="shop.apps.example").text.startswith("one")
    )
    assert stage.get("/", host="bank.example").status == 404
    assert stage.get("/", host="quiet.apps.example").status == 404
    [row] = stage.sees("the skip", lambda: stage.status()["skipped"])
    assert row == {
        "service": "evil",
        "reason": f"{stage.backends[1].place}: host name bank.example is outside the "
        "allowed host names",
    }


def test_a_host_that_vanished_costs_the_connect_timeout_once(stage: NginxStage) -> None:
    """No packet comes back: the next instance is tried then, and this one for a while no more."""
    settings = {"connect_timeout": "1s", "tries_timeout": "20s", "fail_timeout": "1m"}
    with _beside_one_that_vanished(stage, **settings) as gone:
        for _ in range(8):
            with at_most(2.5, "a request beside a host that has vanished"):
                assert stage.get(method="POST", body="x").text == "one /"
        rows = stage.sees("eight requests", lambda: len(r := stage.requests()) >= 8 and r[-8:])
    assert 1 <= sum(gone in row["backend"] for row in rows) <= 2


def test_who_waits_for_a_vanished_host_is_served_though_the_set_changes(stage: NginxStage) -> None:
    """A POST too: nothing of it was sent yet."""
    patient = {"connect_timeout": "4s", "tries_timeout": "20s"}
    with _beside_one_that_vanished(stage, **patient), ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        waiting = [
            pool.submit(stage.get, method=kind, body="x" * 100 if kind == "POST" else None)
            for kind in ("GET", "GET", "POST", "POST")
        ]
        # The question itself is one of those that nginx answers.
        stage.sees(
            "somebody who waits",
            lambda: stage.metrics()['nginx_lb_connections{state="writing"}'] >= 2,
        )
        stage.backend("two")
        answers = [each.result() for each in waiting]
    assert time.monotonic() - began > 4, "nobody had to wait"
    assert {answer.status for answer in answers} == {200}
    assert {answer.text for answer in answers} <= {"one /", "two /"}


@contextlib.contextmanager
def _beside_one_that_vanished(stage: NginxStage, **settings: str) -> Iterator[str]:
    """A balancer with the instance "one", and another of a host that Consul still believes in.

    The other's address and port.
    """
    if stage.place.address != "127.0.0.1":
        pytest.skip("there is no such address elsewhere")
    stage.backend("one")
    with vanished(stage.place.address) as port:
        stage.agent.register("web", "gone", Address=stage.place.address, Port=port)
        stage.start(services=[{"name": "web", **settings}])
        stage.knows(2)
        yield f"{stage.place.address}:{port}"


def test_snippets_do_what_nginx_can(stage: NginxStage) -> None:
    """At each of the three places."""
    stage.backend("one")
    stage.start(
        services=[{"name": "web", "snippet": "add_header X-Location $snippet always;"}],
        http_snippet="map $http_x_in $snippet {\n  default none;\n  a b;\n}",
        server_snippet="location = /own { return 204; }",
    )
    stage.serving("one")
    assert stage.get(headers={"X-In": "a"}).headers["X-Location"] == "b"
    assert stage.get("/own").status == 204


def test_two_balancers_follow_the_same_consul(stages: Stages) -> None:
    """Each on its own, each tells its own generation."""
    first, second = stages(NginxStage), stages(NginxStage)
    one = first.backend("one")
    for each in (first, second):
        each.start(services=WEB)
    for each in (first, second):
        each.serving("one")
    rows: list[dict[str, Any]] = [each.instances()["instances"][0] for each in (first, second)]
    assert [row["port"] for row in rows] == [one.port, one.port]


def test_the_suites_backend_echoes() -> None:
    """What the stories measure with answers what it is told to."""
    backend = Backend("x")
    try:
        assert ask("127.0.0.1", backend.port, "/?code=418").status == 418
    finally:
        backend.stop()
