"""A service with its checks: sent, read back, shown and refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.model import (
    CHECKS_META,
    OWNER_META,
    Service,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.validation import (
    ServiceError,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import WEB, answer, recorded


def service(**params: Any) -> Service:
    """The service web-1 as a call wants it."""
    return Service.from_params({"name": "web", "id": "web-1", **params})


def ttl(name: str = "reports", **more: Any) -> dict[str, Any]:
    """A check that has the status somebody reports."""
    return {"name": name, "ttl": "30s", **more}


def test_what_is_sent_is_what_was_recorded() -> None:
    """The answers of the recordings are those to this very request."""
    assert Service.from_params(WEB).payload() == recorded("register").body


def test_what_the_agent_gives_back_is_what_was_wanted() -> None:
    """Though it adds lan_ipv4 and wan_ipv4 for an IP address, and our marks to the metadata."""
    wanted = Service.from_params(WEB)
    found = answer("agent-service")
    assert set(found["TaggedAddresses"]) == {"lan_ipv4", "wan_ipv4", "wan"}
    assert Service.from_api(found, wanted.check_ids) == wanted


def test_a_service_that_is_nothing_but_a_name_is_read() -> None:
    """What was not said has the values that a call without a word has."""
    bare = Service.from_api(answer("agent-services")["bare"])
    assert bare == Service.from_params({"name": "bare"})


def test_our_marks_are_not_the_users_metadata() -> None:
    """Owner and digests travel in Meta, and are taken out when it is read back."""
    wanted = service(owner="shop", meta={"on": True, "n": 2}, checks=[ttl()])
    sent = wanted.payload()["Meta"]
    assert {"on": "true", "n": "2", OWNER_META: "shop", CHECKS_META: wanted.digest} == sent
    assert wanted.shown()["meta"] == {"on": "true", "n": "2"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "a\nb"}, "name of service 'a\\nb' has a control character"),
        ({"tags": ["ok", "a\x00"]}, "tag 2"),
        ({"tags": ["a\u2028b"]}, "tag 1"),
        ({"meta": {"a": "b\r"}}, "meta 'a'"),
        ({"meta": {"a.b": "c"}}, "keys have 1 to 128 letters"),
        ({"meta": {"a" * 129: "c"}}, "keys have 1 to 128 letters"),
        ({"meta": {"a": "ä" * 257}}, "up to 512 bytes"),
        ({"meta": {"a": ["b"]}}, "is not a string or a number"),
        ({"meta": {"consul-a": "b"}}, "reserved by Consul"),
        ({"meta": {OWNER_META: "me"}}, "is reserved for this module"),
        ({"meta": {str(n): "" for n in range(64)}, "owner": "o"}, "65 meta pairs"),
        ({"port": 65536}, "port 65536"),
        ({"address": "http://a"}, "is not a plain IP address or host name"),
        ({"weights": {"passing": 0}}, "weights of service 'web'"),
        ({"tagged_addresses": {"wan": "a"}}, "tagged address 'wan'"),
        ({"tagged_addresses": {"wan": {"address": "a", "port": 65536}}}, "port 65536 of tagged"),
        ({"checks": [ttl(), ttl()]}, "more than one check service:web-1:reports"),
        ({"checks": [ttl(id="_service_maintenance:web-1")]}, "identifier of a maintenance"),
    ],
)
def test_what_consul_could_not_bear_is_refused(options: dict[str, Any], said: str) -> None:
    """Before any request, and with the place of the mistake."""
    with pytest.raises(ServiceError) as refusal:
        service(**options)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "warned"), [("web-1", False), ("my_web", True), ("-a", True), ("a" * 64, True)]
)
def test_a_name_beyond_dns_is_a_warning(name: str, warned: bool) -> None:
    """Consul takes it and cannot answer for it."""
    assert warned is bool(service(name=name).warnings())
