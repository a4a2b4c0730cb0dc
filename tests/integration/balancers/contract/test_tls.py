"""TLS ends at the balancer."""

from __future__ import annotations

import json
import ssl

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.certificates import shown
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import (
    Load,
    failures,
    secured,
    trusting,
)
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Stage

WEB = [{"name": "web"}]


def certificate_for(stage: Stage, host: str) -> str:
    """The host of the certificate that the balancer shows for `host`."""
    return shown(stage.place.address, stage.tls_port, host)


def test_each_host_has_its_certificate(stage: Stage) -> None:
    """A host without one gets the first."""
    stage.backend("one")
    stage.start(
        services=[{"name": "web"}, {"name": "shop", "hosts": ["shop.example"]}],
        **stage.tls(main="main.example", shop="shop.example"),
    )
    stage.serving("one")
    asked = {
        "main.example": "main.example",
        "shop.example": "shop.example",
        "other.example": "main.example",
    }
    assert {host: certificate_for(stage, host) for host in asked} == asked


def test_the_instance_is_told_that_it_was_asked_by_tls(stage: Stage) -> None:
    """The scheme and the port."""
    stage.backend("one")
    stage.start(services=WEB, **stage.tls(main="main.example"))
    stage.serving("one")
    sent = json.loads(stage.get_by_tls("/headers", host="main.example").text)
    seen = {name.lower(): value for name, value in sent.items()}
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-port"] == str(stage.tls_port)


def test_a_renewed_certificate_costs_nobody_a_request(stage: Stage) -> None:
    """It comes into use in the same container, while clients ask."""
    stage.backend("one")
    stage.start(services=WEB, **stage.tls(main="main.example"))
    stage.serving("one")
    made = stage.container()
    assert certificate_for(stage, "a.example") == "main.example"
    load = Load.without_a_pause(stage.place.address, stage.port, reopens=True)
    load.reaches(50)
    stage.settings(services=WEB, **stage.tls(main="renewed.example"))
    stage.sees("the renewed one", lambda: certificate_for(stage, "a.example") == "renewed.example")
    load.reaches(len(load.samples) + 20)
    assert failures(load.end()) == []
    assert stage.get_by_tls(host="a.example").text == "one /"
    assert stage.container() == made


def test_plain_requests_are_redirected_where_that_is_wanted(stage: Stage) -> None:
    """With method, path and query; a trusted proxy that was asked by TLS is not sent away."""
    stage.backend("one")
    tls = stage.tls(main="main.example", redirect=True)
    stage.start(services=WEB, real_ip_from=[stage.place.network], **tls)
    stage.rotates(web=1)
    answer = stage.get("/a?b", host=f"Shop.example.:{stage.port}", method="POST", body="x")
    assert answer.status == 308
    assert answer.headers["Location"] == f"https://shop.example:{stage.tls_port}/a?b"
    assert stage.get_by_tls("/a", host="shop.example").text == "one /a"
    by_proxy = {"X-Forwarded-Proto": "https"}
    assert stage.get("/a", host="shop.example", headers=by_proxy).text == "one /a"


def test_hsts_is_a_setting(stage: Stage) -> None:
    """Sent by TLS only, also where the balancer itself answers."""
    stage.backend("one")
    services = [{"name": "web", "hosts": ["main.example"]}]
    stage.start(services=services, **stage.tls(main="main.example"), hsts=63072000)
    stage.serving("one", host="main.example")
    header = "Strict-Transport-Security"
    assert header not in stage.get(host="main.example").headers
    assert stage.get_by_tls(host="main.example").headers[header] == "max-age=63072000"
    of_its_own = stage.get_by_tls(host="other.example")
    assert (of_its_own.status, of_its_own.headers[header]) == (404, "max-age=63072000")


def test_tls_is_mozillas_intermediate_configuration(stage: Stage) -> None:
    """HTTP/2 is offered; CBC is not, nor a session ticket."""
    stage.backend("one")
    stage.start(services=WEB, **stage.tls(main="main.example"))
    where = (stage.place.address, stage.tls_port, "main.example")
    with secured(*where, trusting(protocols=("h2", "http/1.1"))) as connection:
        assert (connection.version(), connection.selected_alpn_protocol()) == ("TLSv1.3", "h2")
    with secured(*where, trusting("ECDHE-ECDSA-AES256-GCM-SHA384")) as connection:
        assert connection.version() == "TLSv1.2"
        assert connection.session is not None
        assert not connection.session.has_ticket
    for weak in ("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"):
        with pytest.raises(ssl.SSLError):
            secured(*where, trusting(weak))
