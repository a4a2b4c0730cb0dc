"""Metadata, and what Consul or its readers could not bear; durations."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST_IP,
    container,
    labelled,
    only,
    published,
    reasons,
    services,
)
from hypothesis import given
from hypothesis import strategies as st
from registrator.domain.plan import registration
from registrator.domain.validation import duration_seconds

_AT = f"{HOST_IP}:32768"


def test_other_keys_become_metadata() -> None:
    """What is no word of ours is the service's own, checks included as upstream has it."""
    entry = labelled(
        SERVICE_NAME="shop",
        SERVICE_ID="shop-1",
        SERVICE_TAGS="blue",
        SERVICE_OWNER="team-a",
        SERVICE_CHECK_TCP="true",
    )
    assert only(entry).meta == {"owner": "team-a", "check_tcp": "true"}


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"SERVICE_NAME": "my shop"}, "name 'my shop' is not a service name"),
        ({"SERVICE_NAME": "-shop"}, "name '-shop' is not a service name"),
        ({"SERVICE_NAME": "s" * 129}, "is not a service name"),
        ({"SERVICE_ID": "shop\n1"}, "has control characters or braces"),
        ({"SERVICE_ID": "s" * 256}, "is too long"),
        ({"SERVICE_TAGS": "blue,{{key}}"}, "tag '{{key}}' has control characters or braces"),
        ({"SERVICE_TAGS": "t" * 256}, "is too long"),
        ({"SERVICE_A.B": "x"}, "metadata 'a.b' does not fit Consul's limits"),
        ({"SERVICE_" + "K" * 129: "x"}, "does not fit Consul's limits"),
        ({"SERVICE_NOTE": "ä" * 257}, "metadata 'note' does not fit Consul's limits"),
        ({"SERVICE_NOTE": "a\nb"}, "metadata 'note' has control characters"),
        ({"SERVICE_NOTE": "{{key}}"}, "metadata 'note' has braces"),
        ({"SERVICE_NOTE": "\ud800"}, "metadata 'note' has control characters"),
        ({"SERVICE_NOTE": "x" * 2**20}, "metadata 'note' does not fit Consul's limits"),
        ({"SERVICE_consul-x": "x"}, "metadata 'consul-x' does not fit Consul's limits"),
        ({"SERVICE_NAME": "shop\n"}, "name 'shop\\n' is not a service name"),
        ({"SERVICE_ID": "\u202eshop"}, "id '\\u202eshop' has control characters"),
        ({"SERVICE_TAGS": ",".join("t" * 257)}, "257 tags are more than 256"),
        ({"SERVICE_WEIGHT_PASSING": "0"}, "weight_passing '0' is not from 1 to 65535"),
        ({"SERVICE_WEIGHT_WARNING": "65536"}, "weight_warning '65536' is not from 0 to 65535"),
        ({"SERVICE_WEIGHT_WARNING": "²"}, "weight_warning '\\xb2' is not from 0 to 65535"),
        ({"SERVICE_ENABLE_TAG_OVERRIDE": "yes"}, "'yes' is neither true nor false"),
        ({f"SERVICE_K{n}": "x" for n in range(61)}, "61 metadata pairs are more than 60"),
    ],
)
def test_what_consul_could_not_bear_is_told(labels: dict[str, str], reason: str) -> None:
    """A service that Consul or its readers would choke on is ignored, with the reason."""
    assert services(labelled(**labels)) == []
    [told] = reasons(labelled(**labels))
    assert told.startswith("port 80: ")
    assert reason in told


@pytest.mark.parametrize(
    "labels",
    [
        {"SERVICE_NAME": "s" * 128},
        {"SERVICE_TAGS": "t" * 255},
        {"SERVICE_" + "K" * 128: "x"},
        {"SERVICE_NOTE": "ä" * 256},
        {f"SERVICE_K{n}": "x" for n in range(60)},
    ],
)
def test_consuls_limits_can_be_reached(labels: dict[str, str]) -> None:
    """The limit itself is still allowed."""
    assert reasons(labelled(**labels)) == []


def test_a_bad_port_costs_the_others_nothing() -> None:
    """One port's impossible name leaves the container's other services as they are."""
    entry = labelled(published(80), published(443), SERVICE_80_NAME="my shop")
    assert [service.id for service in services(entry)] == ["host-1:web:443"]


def test_checks_do_not_crowd_out_what_a_container_says() -> None:
    """Upstream's `check_*` metadata takes what room is left and costs no registration (B12)."""
    said = {f"SERVICE_K{n}": "x" for n in range(59)}
    entry = labelled(SERVICE_CHECK_TCP="1", SERVICE_CHECK_INTERVAL="5s", **said)
    found = only(entry)
    assert len(found.meta) == 60
    assert found.check == {"TCP": _AT, "Interval": "5s"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 30.0),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("250ms", 0.25),
        ("5us", 5e-6),
        ("5µs", 5e-6),
        ("5μs", 5e-6),
        ("30", None),
        ("", None),
        ("s", None),
        ("30s!", None),
        ("-30s", None),
    ],
)
def test_a_duration_is_read_as_go_writes_it(text: str, expected: float | None) -> None:
    """What is no duration is none."""
    assert duration_seconds(text) == (None if expected is None else pytest.approx(expected))


_WORDS = st.sampled_from(
    [
        *("NAME", "ID", "TAGS", "IGNORE", "80_NAME", "WEIGHT_PASSING", "ENABLE_TAG_OVERRIDE"),
        *("CHECK_HTTP", "CHECK_SCRIPT", "CHECK_CMD", "CHECK_TTL", "CHECK_GRPC", "CHECK_INTERVAL"),
    ]
)
_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)


@given(st.dictionaries(_WORDS | _TEXT, _TEXT, max_size=5), st.booleans())
def test_no_label_makes_a_service_that_consul_would_refuse(
    labels: dict[str, str], flag: bool
) -> None:
    """Whatever a container says, what comes out of it fits Consul's grammar."""
    values = {f"SERVICE_{key}": value for key, value in labels.items()}
    entry = container(labels=values, env=tuple(values), health="healthy")
    flags = {"script_checks": flag, "docker_health": flag, "use_ip_from_label": "SERVICE_ID"}
    found = services(entry, **flags)
    assert len(found) + len(reasons(entry, **flags)) == 1
    for service in found:
        json.dumps(registration(service, "host-1").body).encode()
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", service.name)
        assert not any(re.search(r"[\x00-\x1f{}]", text) for text in (service.id, *service.tags))
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,128}", key) for key in service.meta)
