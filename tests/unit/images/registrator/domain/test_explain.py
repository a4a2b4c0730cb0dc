"""Why a container is registered as it is, in the words of those who configured it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST,
    HOST_IP,
    container,
    exposed,
    labelled,
    only,
    published,
    settings,
)
from hypothesis import given
from hypothesis import strategies as st
from registrator.domain.explain import explain
from registrator.domain.model import Container
from registrator.domain.plan import registration


def explained(entry: Container, host_ip: str = HOST_IP, **changes: Any) -> str:
    """What is said of a container under these settings."""
    return explain(entry, settings(**changes), host_ip)


def reason(text: str, field: str) -> str:
    """Why the first service's field is what it is."""
    [line] = [line for line in text.splitlines() if line.startswith(f"  {field} ")][:1]
    return line.partition(" # ")[2]


def test_a_plain_container_is_explained_by_itself() -> None:
    """Image, names, binding and the host's address make a service when nobody says anything."""
    text = explained(container("web", published(80, on=32768), image="shop/nginx:1.27"))
    assert text.startswith("container 776562000000 web, image shop/nginx:1.27\n")
    assert "service host-1:web:80\n" in text
    assert reason(text, "name") == "image shop/nginx:1.27"
    assert reason(text, "id") == "container name web; host name host-1"
    assert reason(text, "address") == (
        "this host's address 10.0.0.1; port 80/tcp is published on 0.0.0.0:32768"
    )
    assert reason(text, "port") == "port 80/tcp is published on 0.0.0.0:32768"


def test_the_payload_is_what_consul_would_get() -> None:
    """The very body, for curl or for a bug report."""
    entry = labelled(SERVICE_NAME="shop", SERVICE_CHECK_TCP="true")
    text = explained(entry)
    body = json.loads(text[text.index("  payload\n") + len("  payload\n") :])
    assert body == registration(only(entry), HOST).body


@pytest.mark.parametrize(
    ("labels", "env", "field", "why"),
    [
        ({"SERVICE_NAME": "shop"}, (), "name", "label SERVICE_NAME=shop"),
        ({}, ("SERVICE_NAME=shop",), "name", "variable SERVICE_NAME=shop"),
        (
            {"SERVICE_NAME": "shop"},
            ("SERVICE_NAME=shop", "SERVICE_NAME=other"),
            "name",
            "label SERVICE_NAME=shop",
        ),
        (
            {"SERVICE_NAME": "other", "SERVICE_80_NAME": "shop"},
            (),
            "name",
            "label SERVICE_80_NAME=shop",
        ),
        ({"SERVICE_ID": "shop-1"}, (), "id", "label SERVICE_ID=shop-1"),
        ({"SERVICE_TAGS": "a,b"}, (), "tags", "label SERVICE_TAGS=a,b"),
        ({"SERVICE_STAGE": "blue"}, (), "meta", "label SERVICE_STAGE=blue"),
        (
            {"SERVICE_CHECK_HTTP": "/health", "SERVICE_CHECK_INTERVAL": "5s"},
            (),
            "check",
            "label SERVICE_CHECK_HTTP=/health; label SERVICE_CHECK_INTERVAL=5s",
        ),
    ],
)
def test_a_word_that_counts_is_named(
    labels: dict[str, str], env: tuple[str, ...], field: str, why: str
) -> None:
    """The label or variable that won, and none of those that lost."""
    assert reason(explained(container("web", labels=labels, env=env)), field) == why


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"ip": "10.0.0.9"}, "address", "-ip=10.0.0.9"),
        ({"tags": "a"}, "tags", "-tags=a"),
        (
            {"internal": True},
            "address",
            "-internal; address 172.17.0.2 in network bridge",
        ),
        ({"internal": True}, "port", "-internal"),
        (
            {"restore": frozenset({"tag-order"}), "tags": "a,b"},
            "tags",
            "-tags=a,b; -restore=tag-order",
        ),
    ],
)
def test_a_flag_that_counts_is_named(changes: dict[str, Any], field: str, why: str) -> None:
    """With its value, as it stands on the command line."""
    entry = container("web", networks={"bridge": ("172.17.0.2",)})
    assert reason(explained(entry, **changes), field) == why


def test_the_suffix_of_several_ports_is_explained() -> None:
    """Why a name got a port that nobody wrote (the question of every second beginner)."""
    text = explained(container("web", published(80), published(443, on=32769)))
    assert reason(text, "name").endswith("one of several ports")
    assert "service host-1:web:443\n" in text


@pytest.mark.parametrize(
    ("entry", "changes", "why"),
    [
        (
            labelled(published(80), SERVICE_IGNORE="false"),
            {},
            ["ignored: service on port 80", "  label SERVICE_IGNORE=false"],
        ),
        (
            container("web", exposed(80)),
            {},
            ["ignored: port 80 not published on host", "  port 80/tcp is not published"],
        ),
        (
            container("web", published(80)),
            {"explicit": True},
            ["ignored: no SERVICE_NAME for port 80", "  -explicit"],
        ),
    ],
)
def test_a_port_that_is_ignored_is_explained(
    entry: Container, changes: dict[str, Any], why: list[str]
) -> None:
    """The reason as the log gives it, and what would change it."""
    lines = explained(entry, **changes).splitlines()
    assert why[0] in lines
    assert why[1] in lines


def test_a_container_without_ports_is_explained() -> None:
    """Nothing to register is an answer too."""
    entry = container("web", published(80))
    bare = type(entry)(**{**vars(entry), "ports": ()})
    assert "ignored: no published ports" in explained(bare)


@given(
    st.dictionaries(
        st.sampled_from(["SERVICE_NAME", "SERVICE_80_NAME", "SERVICE_TAGS", "SERVICE_CHECK_HTTP"])
        | st.text(max_size=8).map("SERVICE_".__add__),
        st.text(max_size=8),
        max_size=4,
    ),
    st.lists(st.text(max_size=8).map("SERVICE_".__add__), max_size=2),
)
def test_whatever_a_container_says_is_explained(labels: dict[str, str], env: list[str]) -> None:
    """No label ends in a traceback."""
    assert explained(container("web", labels=labels, env=tuple(env))).startswith("container ")
