"""Settings from the environment and from a file: typed, checked, refused in one sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nginx_lb.settings import reader
from nginx_lb.settings.model import Certificate, Service, Settings, Verification
from nginx_lb.settings.validation import InvalidValue

from ..builders import BASE, settings


def test_the_environment_describes_one_service_at_the_root() -> None:
    """What the image took from the start is taken still."""
    found = reader.from_environment(
        {
            "NGINX_LB_SERVICE": "shop",
            "NGINX_LB_PORT": "8080",
            "NGINX_LB_CONNECT_TIMEOUT": "300ms",
            "CONSUL_HTTP_ADDR": "https://[::1]:8501",
            "CONSUL_HTTP_TOKEN_FILE": "/run/token",
        }
    )
    [service] = found.services
    assert (service.name, service.hosts, service.path) == ("shop", (), "/")
    assert (found.port, service.tuning.connect_timeout) == (8080, "300ms")
    assert (found.consul.scheme, found.consul.address) == ("https", "[::1]:8501")
    assert found.consul.token_file == "/run/token"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NGINX_LB_SERVICE", "a b"),
        ("NGINX_LB_PORT", "0"),
        ("NGINX_LB_PORT", "80 "),
        ("NGINX_LB_CONNECT_TIMEOUT", "soon"),
        ("NGINX_LB_NETWORKS", "everywhere"),
        ("CONSUL_HTTP_ADDR", "127.0.0.1"),
        ("CONSUL_HTTP_ADDR", "127.0.0.1:8500/;"),
    ],
)
def test_a_wrong_environment_is_refused(name: str, value: str) -> None:
    """Before anything starts."""
    with pytest.raises(InvalidValue):
        reader.from_environment({name: value})


def test_a_file_that_says_nothing_leaves_the_environments_settings() -> None:
    """{} changes nothing."""
    assert settings() == BASE


def test_services_inherit_the_defaults() -> None:
    """What a service does not say itself, the defaults say, and else our own."""
    found = settings(
        defaults={"balance": "least_conn", "tries": 2},
        services=[{"name": "web"}, {"name": "api", "path": "/api", "tries": 1}],
    )
    web, api = found.services
    assert (web.tuning.balance, web.tuning.tries) == ("least_conn", 2)
    assert (api.tuning.balance, api.tuning.tries) == ("least_conn", 1)
    assert api.tuning.read_timeout == "60s"


def test_everything_can_be_said() -> None:
    """A file with every key, as the role writes it, is read without a remainder."""
    tuning = {
        "balance": "hash",
        "hash_key": "uri",
        "weights": False,
        "keepalive": 0,
        "connect_timeout": "1s",
        "read_timeout": "2s",
        "send_timeout": "3s",
        "retry_on": ["error"],
        "tries": 1,
        "tries_timeout": "4s",
        "fail_timeout": "5s",
        "max_body": "10m",
        "buffering": False,
    }
    place: dict[str, Any] = {"hosts": ["a.example"], "path": "/x", "strip_path": True}
    verify = {"verify_path": "/whoami", "verify_text": "web"}
    found = settings(
        revision="abc",
        port=8080,
        services=[{"name": "web", "tag": "blue", "snippet": "# mine", **place, **verify, **tuning}],
        defaults=tuning,
        discover={"tag": "lb", "hosts": ["*.example.org"]},
        tls={
            "port": 8443,
            "certificates": [{"name": "main", "hosts": ["a.example"]}],
            "redirect": True,
        },
        gzip=True,
        real_ip_from=["10.0.0.0/8"],
        real_ip_header="X-Real-IP",
        http_snippet="# http",
        server_snippet="# server",
        health_path="/alive",
        access_log=False,
        status_address="10.0.0.9",
        status_port=9000,
        networks=["10.0.0.0/8"],
        consul={"address": "c:8500", "token_file": "/t", "ca_file": "/c"},
        guard={"max_drop": 0.2, "confirm_seconds": 1, "max_hold_seconds": 60},
        reload={"min_interval": 0, "burst_interval": 5},
        worker_connections=512,
        keepalive_timeout="10s",
        client_timeout="3s",
        backend_header=True,
        hsts=60,
        connections_per_client=5,
        shutdown_timeout="9s",
    )
    assert found.services == (
        Service(
            *("web", ("a.example",), "/x", True, "blue", "# mine"),
            Verification("/whoami", "web"),
            found.defaults,
        ),
    )
    assert found.tls is not None
    assert found.tls.certificates == (Certificate("main", ("a.example",)),)
    unset = [key for key, value in vars(Settings()).items() if vars(found)[key] == value]
    assert not unset


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"prot": 80}, "settings: 'prot' is not a setting; did you mean port?"),
        ({"port": "80"}, "settings.port: '80' is not a port from 1 to 65535"),
        ({"services": {}}, "settings.services: '{}' is not a list"),
        ({"services": [{}]}, "settings.services[0]: service.name is missing"),
        (
            {"services": [{"name": "a;"}]},
            "settings.services[0]: service.name: 'a;' is not a service",
        ),
        (
            {"services": [{"name": "a", "hosts": ["b c"]}]},
            "service.hosts[0]: 'b c' is not a host name",
        ),
        (
            {"services": [{"name": "a", "balance": "best"}]},
            "'best' is not one of round_robin, least_conn",
        ),
        (
            {"services": [{"name": "a", "verify_path": "/whoami"}]},
            "verify_path and service.verify_text need each other",
        ),
        ({"services": [{"name": "a"}, {"name": "b"}]}, "a and b both claim every host /"),
        ({"tls": {"certificates": []}}, "tls.certificates: TLS needs at least one"),
        ({"tls": {"port": 80, "certificates": [{"name": "a"}]}}, "80 is already the HTTP port"),
        ({"tls": {"certificates": [{"name": "../a"}]}}, "is not a certificate name"),
        ({"status_port": 80}, "settings.status_port: 80 is already a public port"),
        ({"guard": {"max_drop": 2}}, "'2' is not a share from 0 to 1"),
        ({"consul": {"address": "nowhere"}}, "'nowhere' is not an address such as 127.0.0.1:8500"),
        ({"http_snippet": 1}, "'1' is not text"),
        ({"revision": "a b"}, "'a b' is not a revision"),
        ([], "settings: '[]' is not a mapping"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(values: Any, sentence: str) -> None:
    """It names the place and what would fit."""
    with pytest.raises(InvalidValue) as told:
        reader.from_text(json.dumps(values), BASE)
    assert sentence in str(told.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_what_is_no_json_is_refused(text: str) -> None:
    """However deep it goes."""
    with pytest.raises(InvalidValue):
        reader.from_text(text, BASE)
