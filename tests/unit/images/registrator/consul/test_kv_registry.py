"""Consul's key-value store as a registry: a key for each service, and only ours are touched."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
import urllib3
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import (
    HOST,
    service,
    settings,
)
from registrator.consul.client import ConsulClient
from registrator.consul.kv_registry import KvRegistry
from registrator.domain.interfaces import RefusedError, RegistryError
from registrator.domain.model import Service
from registrator.domain.plan import plan

WEB = service("host-1:web:80")


class Store:
    """A key-value store that answers as Consul's does; `writes` is what changed it."""

    def __init__(self) -> None:
        """Empty."""
        self.keys: dict[str, tuple[str, int]] = {}
        self.writes: list[str] = []
        self.instead: tuple[int, str] | None = None

    def answer(self, verb: str, url: str, data: str) -> tuple[int, str]:
        """Do what is asked."""
        if self.instead:
            return self.instead
        if url.endswith("/v1/status/leader"):
            return 200, '"10.0.0.1:8300"'
        match = re.search(r"/v1/kv/([^?]*)(?:\?(?:flags=(\d+)|recurse))?$", url)
        assert match, url
        key = unquote(match[1])
        if verb == "GET":
            found = [
                {
                    "Key": name,
                    "Value": base64.b64encode(value.encode()).decode() or None,
                    "Flags": flags,
                }
                for name, (value, flags) in self.keys.items()
                if name.startswith(key)
            ]
            return (200, json.dumps(found)) if found else (404, "")
        self.writes.append(f"{verb} {key}")
        if verb == "PUT":
            self.keys[key] = (data, int(match[2] or 0))
        else:
            self.keys.pop(key, None)
        return 200, "true"

    def values(self) -> dict[str, str]:
        """What stands under each key."""
        return {key: value for key, (value, _flags) in self.keys.items()}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store that every connection leads to."""
    store = Store()

    def request(_pool: Any, verb: str, path: str, **more: Any) -> urllib3.HTTPResponse:
        status, text = store.answer(verb, path, (more["body"] or b"").decode())
        return urllib3.HTTPResponse(text.encode(), status=status)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "request", request)
    return store


def daemon(owner: str = HOST, prefix: str = "services") -> KvRegistry:
    """The registry of a daemon that has just started."""
    return KvRegistry(ConsulClient(settings(), 1.0), prefix, owner)


def cycle(registry: KvRegistry, *desired: Service, owner: str = HOST) -> None:
    """What the loop does with a registry."""
    steps = plan(desired, registry.services(), owner)
    for entry in steps.register:
        registry.register(entry.body)
    for service_id in steps.deregister:
        registry.deregister(service_id)


def test_a_service_is_a_key(store: Store) -> None:
    """Prefix, name and identifier lead to address and port, as upstream wrote them."""
    cycle(daemon(), WEB)
    assert store.values() == {"services/web/host-1:web:80": "10.0.0.1:32768"}


def test_an_ipv6_address_stands_in_brackets(store: Store) -> None:
    """Go's JoinHostPort, and what a reader splits at the last colon."""
    registry = daemon()
    for each in ("first", "second"):
        cycle(registry, service("host-1:web:80", address="2001:db8::1"))
        assert store.values() == {"services/web/host-1:web:80": "[2001:db8::1]:32768"}, each
    assert len(store.writes) == 1


def test_idle_means_no_writes(store: Store) -> None:
    """A second cycle, and a daemon that was restarted, find the key as it should be."""
    registry = daemon()
    tagged = service("host-1:web:80", tags=("a",), check={"TCP": "10.0.0.1:32768"})
    cycle(registry, tagged)
    cycle(registry, tagged)
    restarted = daemon()
    cycle(restarted, tagged)
    cycle(restarted, tagged)
    assert store.writes == ["PUT services/web/host-1:web:80"]


def test_what_moved_is_written_anew(store: Store) -> None:
    """Another port is another value under the same key."""
    registry = daemon()
    cycle(registry, WEB)
    cycle(registry, service("host-1:web:80", port=40000))
    assert store.values() == {"services/web/host-1:web:80": "10.0.0.1:40000"}


def test_what_somebody_changed_is_corrected(store: Store) -> None:
    """The list is the truth, not what was written once."""
    registry = daemon()
    cycle(registry, WEB)
    store.keys["services/web/host-1:web:80"] = ("1.2.3.4:5", 0)
    cycle(registry, WEB)
    assert store.values() == {"services/web/host-1:web:80": "10.0.0.1:32768"}


@pytest.mark.parametrize("restarted", [False, True])
def test_a_renamed_service_leaves_its_old_name(store: Store, restarted: bool) -> None:
    """One identifier stands under one name."""
    registry = daemon()
    cycle(registry, WEB)
    registry = daemon() if restarted else registry
    renamed = service("host-1:web:80", name="shop")
    cycle(registry, renamed)
    cycle(registry, renamed)
    assert store.values() == {"services/shop/host-1:web:80": "10.0.0.1:32768"}
    assert len(store.writes) == 3


def test_two_names_of_one_identifier_become_one(store: Store) -> None:
    """A rename that was interrupted is finished."""
    registry = daemon()
    cycle(registry, WEB)
    store.keys["services/old/host-1:web:80"] = store.keys["services/web/host-1:web:80"]
    cycle(registry, WEB)
    assert store.values() == {"services/web/host-1:web:80": "10.0.0.1:32768"}


@pytest.mark.parametrize("identifier", ["host-1:web:80", "a/custom one", "ü%2F"])
def test_what_is_gone_is_deleted_after_a_restart_too(store: Store, identifier: str) -> None:
    """The owner's mark in the key's flags outlives the daemon, whatever the identifier is."""
    cycle(daemon(), service(identifier))
    assert list(store.keys) == [f"services/web/{identifier}"]
    cycle(daemon())
    assert store.keys == {}


def test_upstreams_keys_of_this_host_are_adopted(store: Store) -> None:
    """Swapping the daemons takes over what the other wrote, and clears what is gone."""
    store.keys["services/web/host-1:web:80"] = ("10.0.0.1:32768", 0)
    store.keys["services/web/host-1:ghost:80"] = ("10.0.0.1:32769", 0)
    cycle(daemon(), WEB)
    assert store.values() == {"services/web/host-1:web:80": "10.0.0.1:32768"}


def test_other_hosts_and_other_keys_are_left_alone(store: Store) -> None:
    """The store is everybody's: only what carries our mark or this host's name is ours."""
    cycle(daemon("host-2"), service("host-2:web:80"), service("custom"), owner="host-2")
    store.keys["services/web/host-3:web:80"] = ("10.0.0.3:32768", 0)
    store.keys["services/note"] = ("not a service", 0)
    store.keys["services-of-others/web/host-1:web:80"] = ("10.0.0.1:1", 0)
    before = dict(store.keys)
    cycle(daemon())
    assert store.keys == before


def test_an_identifier_of_another_host_is_refused(store: Store) -> None:
    """Two daemons that want one key do not overwrite each other for ever."""
    cycle(daemon("host-2"), service("custom"), owner="host-2")
    registry = daemon()
    with pytest.raises(RefusedError, match="another host"):
        cycle(registry, service("custom", address="10.0.0.9"))
    assert store.values() == {"services/web/custom": "10.0.0.1:32768"}


def test_a_value_that_is_no_address_is_read(store: Store) -> None:
    """What somebody put there by hand ends no cycle."""
    store.keys["services/web/host-1:odd:80"] = ("", 0)
    store.keys["services/web/host-1:odd:81"] = ("no address", 0)
    assert [entry.port for entry in daemon().services().values()] == [0, 0]


@pytest.mark.parametrize("answer", [(500, "no leader"), (403, "denied"), (200, "{"), (200, "[1]")])
def test_an_unreadable_list_is_an_outage(store: Store, answer: tuple[int, str]) -> None:
    """Without the list nothing is known."""
    store.instead = answer
    with pytest.raises(RegistryError):
        daemon().services()


def test_the_leader_is_asked_for_and_checks_are_not(store: Store) -> None:
    """The start-up ping works as with services, and a report on a check goes nowhere."""
    registry = daemon()
    registry.update_check("service:web", "passing", "healthy")
    assert registry.leader() == "10.0.0.1:8300"
    assert store.writes == []
