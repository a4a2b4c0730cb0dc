"""Registrator's options become a container, and its services are told from others."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.container import (
    ContainerError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.registrator import (
    FLAGS,
    OWNER_META,
    agent_url,
    command_line,
    effective_options,
    outcome,
    registered,
    specification,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import answer

REGISTRY = "consul://127.0.0.1:8500"
# What stands on every command line: here other images have other defaults.
USUAL = ["-resync=10", "-retry-attempts=-1", "-cleanup"]


def params(**options: t.Any) -> dict[str, t.Any]:
    """The module's options with their defaults, but for those that are named."""
    return {
        **{option: flag.argument.get("default") for option, flag in FLAGS.items()},
        "memory": None,
        "token_file": None,
        "ca_file": None,
        "name": "registrator",
        "image": "registrator:1",
        "pull": "missing",
        "hostname": "host-1",
        "network_mode": "host",
        "docker_socket": "/var/run/docker.sock",
        "socket_mount": "directory",
        "env": {},
        "registry_uri": REGISTRY,
        "extra_args": [],
        **options,
    }


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"ip": "10.0.0.1"}, ["-ip=10.0.0.1", *USUAL]),
        ({"use_ip_from_label": "addr"}, ["-useIpFromLabel=addr", *USUAL]),
        ({"network": "net"}, ["-network=net", *USUAL]),
        ({"tags": "a,b"}, ["-tags=a,b", *USUAL]),
        ({"tags": ""}, USUAL),
        ({"ttl": 30, "ttl_refresh": 10}, ["-ttl=30", "-ttl-refresh=10", *USUAL]),
        ({"resync_seconds": 0}, ["-resync=0", *USUAL[1:]]),
        ({"deregister": "on-success"}, ["-resync=10", "-deregister=on-success", *USUAL[1:]]),
        ({"retry_attempts": 0}, ["-resync=10", "-retry-attempts=0", "-cleanup"]),
        ({"cleanup": False}, USUAL[:2]),
        ({"restore": ["a", "b"]}, [*USUAL[:2], "-restore=a,b", "-cleanup"]),
        (
            {"internal": True, "docker_health": True},
            [*USUAL[:2], "-internal", "-docker-health", "-cleanup"],
        ),
        ({"extra_args": ["-x", "-y"]}, [*USUAL, "-x", "-y"]),
    ],
)
def test_an_option_becomes_an_argument(options: dict[str, t.Any], arguments: list[str]) -> None:
    """Each option has its flag, a default says nothing, and the registry comes last."""
    assert command_line(params(**options)) == [*arguments, REGISTRY]


def test_an_option_that_does_not_stand_there_is_not_effective() -> None:
    """Unset texts, switches that are off, and defaults are the daemon's own matter."""
    assert set(effective_options(params(ip="", deregister="always"))) == {
        *("resync_seconds", "retry_attempts", "cleanup", "registry_uri"),
    }


def test_a_zero_is_an_option_that_is_set() -> None:
    """No resync at all is something somebody chose."""
    assert effective_options(params(resync_seconds=0))["resync_seconds"] == 0


def test_the_socket_is_mounted_with_its_folder() -> None:
    """A socket that Docker makes anew appears in the mounted folder."""
    spec = specification(params(docker_socket="/run/docker/engine.sock"))
    assert spec.get("volumes") == ["/run/docker:/run/docker-host"]
    assert spec.get("env") == {"DOCKER_HOST": "unix:///run/docker-host/engine.sock"}


def test_the_socket_is_mounted_where_upstream_looks_for_it() -> None:
    """socket_mount=file serves an image that knows no DOCKER_HOST."""
    spec = specification(params(docker_socket="/run/d/engine.sock", socket_mount="file"))
    assert spec.get("volumes") == ["/run/d/engine.sock:/tmp/docker.sock"]
    assert spec.get("env") == {}


def test_a_volume_takes_the_place_of_the_folder() -> None:
    """The daemon reaches a socket that another container makes, and can put no other there."""
    gate = "/run/docker-socket-proxy/docker.sock"
    spec = specification(params(docker_socket=gate, socket_volume="docker-socket-proxy"))
    assert spec.get("volumes") == ["docker-socket-proxy:/run/docker-host:ro"]
    assert spec.get("env") == {"DOCKER_HOST": "unix:///run/docker-host/docker.sock"}


def test_the_container_is_what_was_asked_for() -> None:
    """Name, image and policy as given; the rest stands among its options."""
    spec = specification(params(name="r", pull="always", memory="64m", network_mode="net"))
    assert (spec.name, spec.image, spec.pull) == ("r", "registrator:1", "always")
    assert (spec.get("hostname"), spec.get("command")) == ("host-1", [*USUAL, REGISTRY])
    assert (spec.get("memory"), spec.get("network_mode")) == ("64m", "net")


def test_a_token_is_read_from_a_mounted_file() -> None:
    """The token stands in no variable and in no argument, only its file is named."""
    spec = specification(params(token_file="/etc/registrator/token"))
    assert "/etc/registrator/token:/run/registrator-token:ro" in spec.get("volumes")
    assert spec.get("env")["CONSUL_HTTP_TOKEN_FILE"] == "/run/registrator-token"


def test_an_authority_is_read_from_a_mounted_file() -> None:
    """Who answers over TLS is known by it."""
    spec = specification(params(ca_file="/etc/registrator/ca.pem"))
    assert "/etc/registrator/ca.pem:/run/registrator-ca.pem:ro" in spec.get("volumes")
    assert spec.get("env")["CONSUL_CACERT"] == "/run/registrator-ca.pem"


def test_variables_are_passed_on() -> None:
    """What is given in `env` is in the daemon's environment."""
    assert specification(params(env={"A": "b"})).get("env")["A"] == "b"


def test_a_variable_that_is_given_wins() -> None:
    """Who names DOCKER_HOST has another engine in mind."""
    spec = specification(params(env={"DOCKER_HOST": "tcp://proxy:2375"}))
    assert spec.get("env") == {"DOCKER_HOST": "tcp://proxy:2375"}


def own_service(**options: t.Any) -> tuple[list[str], dict[str, str]]:
    """The exposed ports and the labels by which the daemon registers itself."""
    spec = specification(params(service_name="registrator", **options))
    return spec.get("exposed_ports"), spec.get("labels")


@pytest.mark.parametrize(
    "options",
    [
        {"http": ":8405"},
        {"http": "0.0.0.0:8405"},
        {"http": "[::]:8405"},
        {"http": "10.0.0.1:8405"},
        {"http": ":8405", "network_mode": "net", "internal": True},
    ],
)
def test_a_daemon_with_a_status_port_is_a_service(options: dict[str, t.Any]) -> None:
    """At that port, with the check that it answers there."""
    assert own_service(ip="10.0.0.1", **options) == (
        ["8405/tcp"],
        {
            "SERVICE_8405_NAME": "registrator",
            "SERVICE_8405_CHECK_HTTP": "/healthz",
            "SERVICE_8405_PROGRAM": "registrator",
        },
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"http": ""},
        {"http": ":8405", "service_name": ""},
        {"http": "127.0.0.1:8405"},
        {"http": "[::1]:8405"},
        {"http": "localhost:8405"},
        {"http": "10.9.9.9:8405"},
        {"http": ":8405", "network_mode": "bridge"},
    ],
)
def test_a_daemon_that_nobody_could_ask_is_no_service(options: dict[str, t.Any]) -> None:
    """Its container is the same as before there was such a service."""
    given = {"ip": "10.0.0.1", "service_name": "registrator", **options}
    found = specification(params(**given)).options
    assert not {"exposed_ports", "labels"} & set(found)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"service_name": "a b"}, "service_name 'a b' is not a service name"),
        ({"hostname": ""}, "hostname is required"),
        ({"hostname": None}, "hostname is required"),
        ({"ttl": 30}, "must be set together"),
        ({"ttl_refresh": 30}, "must be set together"),
        ({"ttl": 10, "ttl_refresh": 10}, "greater"),
        ({"ttl": -1}, "ttl is -1, and must be at least 0"),
        ({"resync_seconds": -1}, "resync_seconds is -1, and must be at least 0"),
        ({"retry_attempts": -2}, "retry_attempts is -2, and must be at least -1"),
        ({"retry_interval": 0}, "retry_interval is 0, and must be at least 1"),
        ({"ip": "10.0.0.1/24"}, "ip '10.0.0.1/24' is not a single address"),
        ({"network": "a b"}, "network 'a b' is not the name of a Docker network"),
        ({"http": "9464"}, "http '9464' is not host:port"),
        ({"http": ":65536"}, "http ':65536' is not host:port"),
        ({"http": "http://a:1"}, "is not host:port"),
        ({"memory": "plenty"}, "memory 'plenty' is not a size such as 64m"),
        ({"registry_uri": "127.0.0.1:8500"}, "is not a URI such as consul://"),
        ({"registry_uri": "consul:8500"}, "is not a URI such as consul://"),
        ({"registry_uri": "-internal"}, "is not a URI such as consul://"),
        ({"registry_uri": ""}, "is not a URI such as consul://"),
        ({"docker_socket": "unix:///run/docker.sock"}, r"docker_socket .* is not an absolute path"),
        ({"docker_socket": "/docker.sock"}, "set socket_mount to 'file'"),
        ({"docker_socket": "/run/docker/"}, "set socket_mount to 'file'"),
        ({"docker_socket": "/run/docker/", "socket_volume": "v1"}, "has no parent folder"),
        ({"socket_volume": "/var/run"}, "socket_volume '/var/run' is not the name"),
        ({"socket_volume": "v1:/x"}, "socket_volume 'v1:/x' is not the name"),
        ({"socket_volume": "v1", "socket_mount": "file"}, "requires socket_mount 'directory'"),
        ({"token_file": "/etc/token:rw"}, r"token_file .* is not an absolute path"),
        ({"ca_file": "ca.pem"}, r"ca_file .* is not an absolute path"),
    ],
)
def test_what_the_daemon_would_refuse_is_refused_here(
    options: dict[str, t.Any], sentence: str
) -> None:
    """The sentence names the options that do not fit."""
    with pytest.raises(ContainerError, match=sentence):
        specification(params(**options))


@pytest.mark.parametrize(
    "uri", ["consul:", "consul://", "consul-tls://c:8501", "etcd://e:2379/prefix", "skydns2://e/d"]
)
def test_every_registry_of_upstream_may_be_named(uri: str) -> None:
    """Another image speaks to more than Consul."""
    assert specification(params(registry_uri=uri)).get("command") == [*USUAL, uri]


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("consul:", "http://127.0.0.1:8500"),
        ("consul://[::1]:8500", "http://[::1]:8500"),
        ("consulkv://c:8500/prefix", None),
        ("consul://10.0.0.1:8500", "http://10.0.0.1:8500"),
        ("consul://10.0.0.1:8500/prefix", "http://10.0.0.1:8500"),
        ("consul-tls://consul:8501", "https://consul:8501"),
        ("consul://", "http://127.0.0.1:8500"),
        ("consul-unix:///consul.sock", None),
        ("etcd://10.0.0.1:2379", None),
        ("nonsense", None),
    ],
)
def test_a_registry_leads_to_its_agent(uri: str, url: str | None) -> None:
    """Only a Consul agent over TCP can be asked."""
    assert agent_url(uri) == url


@pytest.mark.parametrize("address", ["10.0.0.1:8500", "http://10.0.0.1:8500"])
def test_without_an_address_the_daemons_environment_names_it(address: str) -> None:
    """The daemon reads CONSUL_HTTP_ADDR, and so the module asks the same agent."""
    assert agent_url("consul:", {"CONSUL_HTTP_ADDR": address}) == "http://10.0.0.1:8500"


def entry(**changes: t.Any) -> dict[str, t.Any]:
    """A service as an agent lists it."""
    return {**answer("agent-services")["bare"], **changes}


def test_an_agents_services_are_told_from_those_of_others() -> None:
    """One of the recorded three is Registrator's."""
    assert registered(answer("agent-services"), "host-1") == [
        {
            "id": "host-1:shop:80",
            "name": "shop",
            "address": "10.0.0.1",
            "port": 32768,
            "tags": ["blue"],
        }
    ]


@pytest.mark.parametrize(
    ("identifier", "meta", "ours"),
    [
        ("web-1", {OWNER_META: "host-1"}, True),
        ("host-1:web:80", None, True),
        ("web-1", {OWNER_META: "host-2"}, False),
        ("host-10:web:80", None, False),
        ("web-1", None, False),
    ],
)
def test_services_are_told_by_mark_or_identifier(
    identifier: str, meta: dict[str, str] | None, ours: bool
) -> None:
    """A service is ours by its metadata, or by the identifier upstream gives."""
    assert bool(registered({identifier: entry(Meta=meta)}, "host-1")) is ours


def test_services_come_in_the_order_of_their_identifiers() -> None:
    """The report does not depend on the agent's order."""
    services = {"host-1:b:80": entry(), "host-1:a:80": entry(Tags=None)}
    found = registered(services, "host-1")
    assert [(service["id"], service["tags"]) for service in found] == [
        ("host-1:a:80", []),
        ("host-1:b:80", []),
    ]


def test_a_service_without_an_address_is_reported_as_well() -> None:
    """A service that somebody registered by its name alone has every key."""
    assert registered({"host-1:a:80": {"Service": "a"}}, "host-1") == [
        {"id": "host-1:a:80", "name": "a", "address": "", "port": 0, "tags": []}
    ]


@pytest.mark.parametrize("text", [None, [], "OK"])
def test_an_answer_that_is_no_list_of_services_holds_none(text: t.Any) -> None:
    """No answer is no service, and something else may listen at the address."""
    assert registered(text, "host-1") == []


def test_a_container_is_told_by_five_keys() -> None:
    """What the engine tells besides does not belong to the module's promise."""
    told = {"name": "r", "image": "i", "action": "created", "reasons": ["absent"], "id": "1"}
    assert outcome("r", [{**told, "address": ""}]) == told


def test_an_absent_registrator_is_reported_as_unchanged() -> None:
    """Where nothing was there and nothing is wanted, the report has its name."""
    assert outcome("registrator", [])["action"] == "unchanged"
