"""Who asks, where proxies stand in front of HAProxy."""

from __future__ import annotations

import contextlib
import http.client
import json

from ansible_collections.rollcall.discovery.tests.support.balancer.haproxy import HaproxyStage

WEB = [{"name": "web", "balance": "source"}]


def test_the_client_decides_and_not_its_proxy(stage: HaproxyStage) -> None:
    """Balanced by the source: one client finds one instance, many clients find all."""
    stage.backend("one")
    stage.backend("two")
    stage.start(services=WEB, real_ip_from=[stage.place.network])
    stage.rotates(web=2)

    def asked(client: int) -> str:
        return stage.get(headers={"X-Forwarded-For": f"203.0.113.{client}"}).name

    assert all(len({asked(client) for _ in range(3)}) == 1 for client in (1, 2, 3))
    assert {asked(client) for client in range(40)} == {"one", "two"}


def test_a_chain_in_several_lines_is_one(stage: HaproxyStage) -> None:
    """Its elements may have ports and brackets; each request of a connection has its own."""
    stage.backend("one")
    stage.start(real_ip_from=[stage.place.network])
    stage.serving("one")
    connection = http.client.HTTPConnection(stage.place.address, stage.port, timeout=10)
    with contextlib.closing(connection):
        for lines, client in (
            (("6.6.6.6", "203.0.113.9:4711"), "203.0.113.9"),
            (("6.6.6.6, [2001:db8::1]:80", "127.0.0.7"), "2001:db8::1"),
            ((), stage.place.address),
        ):
            connection.putrequest("GET", "/headers")
            for line in lines:
                connection.putheader("X-Forwarded-For", line)
            connection.endheaders()
            seen = json.loads(connection.getresponse().read())
            assert seen["x-forwarded-for"] == ", ".join((*lines, stage.place.address))
            assert seen["x-real-ip"] == client
