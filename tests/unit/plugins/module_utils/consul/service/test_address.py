"""Where a service is: what the agent derives, and what no address can be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.address import (
    loopback,
    tagged_from_params,
    validate_endpoint,
    without_derived,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.validation import (
    ServiceError,
)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"port": -1}, "port -1 of service 'web'"),
        ({"port": 65536}, "port 65536 of service 'web'"),
        ({"address": "http://a"}, "is not a plain IP address or host name"),
        ({"address": "a:80"}, "is not a plain IP address or host name"),
        ({"address": "[::1]"}, "is not a plain IP address or host name"),
        ({"address": "a b"}, "is not a plain IP address or host name"),
        ({"address": "0.0.0.0"}, "is a wildcard address"),
        ({"address": "::"}, "is a wildcard address"),
    ],
)
def test_a_place_that_is_none_is_refused(place: dict[str, Any], said: str) -> None:
    """An address alone, and a port that there is."""
    with pytest.raises(ServiceError) as refusal:
        validate_endpoint("service 'web'", {"address": "", "port": 0, **place})
    assert said in str(refusal.value)


def test_a_tagged_address_has_the_services_port_unless_its_own() -> None:
    """The port need not be said twice."""
    given = {"lan": {"address": "a"}, "wan": {"address": "b", "port": "8"}}
    tagged = {"lan": {"address": "a", "port": 80}, "wan": {"address": "b", "port": 8}}
    assert tagged_from_params(given, 80) == tagged


@pytest.mark.parametrize(
    ("tagged", "said"),
    [
        ("a", "tagged address 'wan' must have 'address'"),
        ({"port": 1}, "tagged address 'wan' must have 'address'"),
        ({"address": "a", "prot": 1}, "tagged address 'wan' must have 'address'"),
        ({"address": "a", "port": "x"}, "port of tagged address 'wan' is not a number"),
    ],
)
def test_a_tagged_address_that_is_none_is_refused(tagged: Any, said: str) -> None:
    """An address, a port if it differs, and nothing else."""
    with pytest.raises(ServiceError) as refusal:
        tagged_from_params({"wan": tagged}, 80)
    assert said in str(refusal.value)


def test_only_what_the_agent_derives_is_left_out() -> None:
    """Another address under one of its names, or its address under another name, is ours."""
    own, other = {"address": "192.0.2.7", "port": 80}, {"address": "192.0.2.8", "port": 80}
    tagged = {"lan_ipv4": own, "wan_ipv4": other, "wan": own}
    assert without_derived("192.0.2.7", 80, tagged) == {"wan_ipv4": other, "wan": own}


@pytest.mark.parametrize(
    ("address", "there"),
    [("127.0.0.9", True), ("::1", True), ("localhost", True), ("192.0.2.7", False), ("w", False)],
)
def test_a_loopback_address_is_told(address: str, there: bool) -> None:
    """It is another one on each host."""
    assert loopback(address) is there
