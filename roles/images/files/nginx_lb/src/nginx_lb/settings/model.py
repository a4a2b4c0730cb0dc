"""The settings as frozen values, with their defaults. Pure."""

from __future__ import annotations

import dataclasses

from .validation import Network

BALANCES = ("round_robin", "least_conn", "hash")
RETRY_ON = ("error", "timeout", "invalid_header", "http_500", "http_502", "http_503", "http_504")


@dataclasses.dataclass(frozen=True)
class Tuning:
    """How requests are proxied to a service's instances. Times and sizes are in nginx's notation.

    `tries` and `tries_timeout` limit all attempts for one request. A request that is not
    idempotent, such as POST, is retried only while nothing of it was sent. An answer with a status
    in `retry_on` is retried once, and takes no instance out. An instance that accepts no connection
    is out for all, and probed every `fail_timeout`.
    """

    balance: str = "round_robin"
    hash_key: str = "$remote_addr"
    weights: bool = True
    # Idle connections that each worker keeps to the instances. A POST always opens a new one.
    keepalive: int = 32
    connect_timeout: str = "500ms"
    read_timeout: str = "60s"
    send_timeout: str = "60s"
    retry_on: tuple[str, ...] = ("error", "timeout", "http_502", "http_503")
    tries: int = 4
    tries_timeout: str = "5s"
    fail_timeout: str = "1s"
    max_body: str = "1m"
    buffering: bool = True


@dataclasses.dataclass(frozen=True)
class Verification:
    """The path that every instance of a service answers with this text; no path asks none."""

    path: str = ""
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Service:
    """A service of the inventory: its name in Consul, and its hosts and path.

    Without hosts it serves every host name that no other service has. With `tag`, only instances
    with this tag are used. `snippet` is the operator's own nginx configuration for its location.
    `verification` tells its instances from those of other services while Consul does not answer.
    """

    name: str
    hosts: tuple[str, ...] = ()
    path: str = "/"
    strip_path: bool = False
    tag: str = ""
    snippet: str = ""
    verification: Verification = Verification()
    tuning: Tuning = Tuning()


@dataclasses.dataclass(frozen=True)
class Discover:
    """Services discovered by the tag `tag` of their instances.

    The tags `<tag>.host=`, `<tag>.path=`, `<tag>.balance=` and `<tag>.strip_path=` set the route.
    `hosts` limits the host names, with `*.example.org` for a whole domain; empty allows every name.
    """

    tag: str = "lb"
    hosts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Certificate:
    """The files `<name>.pem` and `<name>.key`, used for these hosts."""

    name: str
    hosts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Tls:
    """TLS on a port; the first certificate is the default."""

    port: int
    certificates: tuple[Certificate, ...]
    redirect: bool = False


@dataclasses.dataclass(frozen=True)
class Consul:
    """The Consul agent to follow."""

    host: str = "127.0.0.1"
    port: int = 8500
    scheme: str = "http"
    token_file: str = ""
    ca_file: str = ""

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


@dataclasses.dataclass(frozen=True)
class Guard:
    """The limits of the guard, see protection/guard.py."""

    max_drop: float = 0.5
    confirm_seconds: float = 2.0
    max_hold_seconds: float = 600.0


@dataclasses.dataclass(frozen=True)
class Reload:
    """Seconds between two reloads: the minimum, and the interval during a burst of changes.

    Routes, settings and certificates need a reload, instances do not.
    """

    min_interval: float = 1.0
    burst_interval: float = 2.4


@dataclasses.dataclass(frozen=True)
class Settings:
    """All settings of the balancer. `revision` is their identifier, repeated on the status page."""

    revision: str = ""
    port: int = 80
    services: tuple[Service, ...] = (Service("my-web-server"),)
    discover: Discover | None = None
    defaults: Tuning = Tuning()
    tls: Tls | None = None
    gzip: bool = False
    real_ip_from: tuple[Network, ...] = ()
    real_ip_header: str = "X-Forwarded-For"
    http_snippet: str = ""
    server_snippet: str = ""
    health_path: str = "/healthz"
    access_log: bool = True
    # The response header X-Backend, with the addresses of the instances that were tried.
    backend_header: bool = False
    # Seconds that browsers use HTTPS only (Strict-Transport-Security); 0 sends no such header.
    hsts: int = 0
    # Connections of one client address at a time; 0 for any number.
    connections_per_client: int = 0
    status_address: str = "127.0.0.1"
    # 0 disables the status port.
    status_port: int = 8404
    networks: tuple[Network, ...] = ()
    consul: Consul = Consul()
    guard: Guard = Guard()
    reload: Reload = Reload()
    worker_connections: int = 4096
    keepalive_timeout: str = "60s"
    # Between two reads of a request's header or body.
    client_timeout: str = "10s"
    # worker_shutdown_timeout: after a reload, longer requests and WebSockets are cut off.
    shutdown_timeout: str = "30s"
