"""Renders nginx's configuration for a site. Pure: the same site gives the same text.

nginx.conf beside this file is the part that a person reads. What depends on routes and settings
passes `_line`, which allows no quotes and no special characters: what is not a plain word cannot be
written. Only the operator's snippets are written verbatim.
"""

from __future__ import annotations

import dataclasses
import importlib.resources
import re
from collections.abc import Iterable, Iterator

from ..routing import Route, Site, Upstream, covers
from ..settings import validation
from ..settings.model import Certificate, Settings, Tuning

_TEMPLATE = importlib.resources.files(__package__).joinpath("nginx.conf").read_text("utf-8")
# A whole line for any number of lines, or a word within a line.
_PLACEHOLDER = re.compile(
    r"^(?P<indent> *)@(?P<lines>[a-z_]+)@\n|@(?P<word>[a-z_]+)@", re.MULTILINE
)
_WORD = re.compile(r"[A-Za-z0-9_./:\[\]$=*~^@,+-]+")
# The suffix of the upstreams that keep no idle connections, as in nginx.conf.
_NO_KEEPALIVE = ".no_keepalive"
_GZIP = """\
gzip on;
gzip_vary on;
gzip_proxied any;
gzip_min_length 1024;
gzip_types text/plain text/css text/xml application/json application/javascript
  application/xml application/xml+rss image/svg+xml;
"""
# A request has a connection to its client and one to an instance; logs and sockets have the rest.
_FILES_PER_CONNECTION, _OTHER_FILES = 2, 128
# The highest limit that nginx accepts.
_MOST_CONNECTIONS = "65535"
# Headers that name the client, and that nginx.conf sets.
_FORWARDED = ("x-forwarded-for", "x-real-ip", "forwarded")


@dataclasses.dataclass(frozen=True)
class Paths:
    """The paths in the configuration, the user of the workers, and whether the host has IPv6."""

    run: str = "/run/nginx-lb"
    certificates: str = "/etc/nginx-lb/conf/certificates"
    user: str = "www-data"
    ipv6: bool = True

    @property
    def access_log(self) -> str:
        """The file of the access log."""
        return f"{self.run}/log/access.log"

    @property
    def error_log(self) -> str:
        """The file of the error log."""
        return f"{self.run}/log/error.log"


def render(options: Settings, site: Site, paths: Paths) -> str:
    """The whole configuration, with 0 as its generation."""
    values = _values(options, site, paths)

    def replaced(found: re.Match[str]) -> str:
        if found["word"]:
            return "".join(values[found["word"]])
        return "".join(f"{found['indent']}{line}\n" for line in values[found["lines"]])

    # One pass: what a snippet contains is not replaced again.
    return _PLACEHOLDER.sub(replaced, _TEMPLATE)


def numbered(text: str, generation: int) -> str:
    """A rendered configuration whose /generation answers with this generation."""
    return text.replace(_generation_response(0), _generation_response(generation), 1)


def _generation_response(generation: int) -> str:
    return f'return 200 "{generation} $pid\\n";'


def _words(*words: str) -> str:
    """The words of a directive. ValueError unless they are plain: validation lets no other pass."""
    for word in words:
        if not _WORD.fullmatch(word):
            raise ValueError(f"{word!r} is not a plain word")
    return " ".join(words)


def _line(depth: int, *words: str) -> str:
    return f"{'  ' * depth}{_words(*words)};"


def _values(options: Settings, site: Site, paths: Paths) -> dict[str, Iterable[str]]:
    """The lines of each placeholder."""
    files = _FILES_PER_CONNECTION * options.worker_connections + _OTHER_FILES
    access_log = (paths.access_log, "nginx_lb", "buffer=32k", "flush=1s")
    return {
        "user": [_line(0, "user", paths.user)] if paths.user else [],
        "open_files": [str(files)],
        "shutdown_timeout": [_words(options.shutdown_timeout)],
        "run": [_words(paths.run)],
        "error_log": [_words(paths.error_log)],
        "worker_connections": [str(options.worker_connections)],
        "access_log": [_words(*access_log) if options.access_log else "off"],
        "keepalive_timeout": [_words(options.keepalive_timeout)],
        "client_timeout": [_words(options.client_timeout)],
        "server_names": [str(max(512, 4 * len(site.routes)))],
        "hsts": [f"max-age={options.hsts}" if options.hsts else ""],
        "backend_header": ["$nginx_lb_backend" if options.backend_header else '""'],
        "health_path": [_words(options.health_path)],
        "trusted": [_line(0, str(network), "1") for network in options.real_ip_from],
        "generation": ["0"],
        "settings": _settings(options),
        "routes": _routes(options, site, paths),
    }


def _settings(options: Settings) -> Iterator[str]:
    """The directives of http that depend on settings alone."""
    yield from _proxy_directives(options.defaults, None, 0)
    if options.gzip:
        yield from _GZIP.splitlines()
    for network in options.real_ip_from:
        yield _line(0, "set_real_ip_from", str(network))
    if options.real_ip_from:
        yield _line(0, "real_ip_header", options.real_ip_header)
        yield _line(0, "real_ip_recursive", "on")
    yield from _client_header(options.real_ip_header)
    if options.connections_per_client:
        yield _line(0, "limit_conn_zone", "$binary_remote_addr", "zone=nginx_lb_clients:10m")
        yield _line(0, "limit_conn", "nginx_lb_clients", str(options.connections_per_client))
        yield _line(0, "limit_conn_status", "429")
    yield from options.http_snippet.splitlines()


def _client_header(name: str) -> Iterator[str]:
    """A header of the operator's own proxies, which a stranger may not send."""
    if name.lower() in _FORWARDED:
        return
    yield "map $nginx_lb_trusted $nginx_lb_client_header {"
    yield _line(1, "1", f"$http_{name.lower().replace('-', '_')}")
    yield '  default "";'
    yield "}"
    yield _line(0, "proxy_set_header", name, "$nginx_lb_client_header")


def _proxy_directives(tuning: Tuning, inherited: Tuning | None, depth: int) -> Iterator[str]:
    """The directives of a tuning, without those that are inherited with the same value."""

    def differs(name: str) -> bool:
        return inherited is None or getattr(tuning, name) != getattr(inherited, name)

    for name, directive in (
        ("connect_timeout", "proxy_connect_timeout"),
        ("read_timeout", "proxy_read_timeout"),
        ("send_timeout", "proxy_send_timeout"),
        ("tries_timeout", "proxy_next_upstream_timeout"),
        ("max_body", "client_max_body_size"),
    ):
        if differs(name):
            yield _line(depth, directive, getattr(tuning, name))
    if differs("retry_on"):
        yield _line(depth, "proxy_next_upstream", *(tuning.retry_on or ("off",)))
    if differs("tries"):
        yield _line(depth, "proxy_next_upstream_tries", str(tuning.tries))
    if differs("buffering"):
        yield _line(depth, "proxy_buffering", "on" if tuning.buffering else "off")


def _routes(options: Settings, site: Site, paths: Paths) -> Iterator[str]:
    for upstream in site.upstreams:
        # The twin without keep-alive is for requests that are not retried.
        yield from _upstream(upstream, upstream.key, upstream.tuning.keepalive)
        yield from _upstream(upstream, upstream.key + _NO_KEEPALIVE, 0)
    yield from _servers(options, site, paths)


def _upstream(upstream: Upstream, key: str, keepalive: int) -> Iterator[str]:
    tuning = upstream.tuning
    arguments = [f'"{_words(upstream.instance_set)}"', f'"{tuning.balance}"', _pause(tuning)]
    if tuning.balance == "hash":
        arguments.append(f'"{_words(tuning.hash_key).removeprefix("$")}"')
    call = f'require("nginx_lb.live").balance({", ".join(arguments)})'
    yield f"upstream {_words(key)} {{"
    # nginx wants an address here; each request gets one from the instances of the service.
    yield _line(1, "server", "0.0.0.1")
    yield f"  balancer_by_lua_block {{ {call} }}"
    if keepalive:
        yield _line(1, "keepalive", str(keepalive))
        # Shorter than the usual keep-alive timeout of an instance, so that nginx closes first. An
        # instance that leaves is not out before its idle connections are closed.
        yield _line(1, "keepalive_timeout", "2s")
    yield "}"


def _pause(tuning: Tuning) -> str:
    """Seconds until an instance that accepts no connection is probed again."""
    return f"{max(0.1, validation.seconds(tuning.fail_timeout)):g}"


def _servers(options: Settings, site: Site, paths: Paths) -> Iterator[str]:
    hosts: dict[str, list[Route]] = {"": []}
    for route in site.routes:
        hosts.setdefault(route.host, []).append(route)
    for host, routes in sorted(hosts.items()):
        yield "server {"
        yield from _listen(options.port, paths, host)
        yield from _tls(options, host, paths)
        yield from _name(host)
        if options.tls and options.tls.redirect:
            port = "" if options.tls.port == 443 else f":{options.tls.port}"
            target = f"https://$host{port}$request_uri"
            yield f"  if ($nginx_lb_redirect) {{ return 308 {target}; }}"
        yield '  set $nginx_lb_service "";'
        yield from _health(options, paths, host)
        yield from _snippet(options.server_snippet, 1)
        for route in routes:
            yield from _locations(options, route)
        if not any(route.path == "/" for route in routes):
            yield '  location / { return 404 "no service answers here\\n"; }'
        yield from _failed(options)
        yield "}"


def _listen(port: int, paths: Paths, host: str, *more: str) -> Iterator[str]:
    """Both IP families."""
    words = (*more, *(() if host else ("default_server",)))
    yield _line(1, "listen", str(port), *words)
    if paths.ipv6:
        yield _line(1, "listen", f"[::]:{port}", *words)


def _tls(options: Settings, host: str, paths: Paths) -> Iterator[str]:
    """The directives for TLS, none without it."""
    if not options.tls:
        return
    certificate = _certificate(options.tls.certificates, host)
    yield from _listen(options.tls.port, paths, host, "ssl")
    yield _line(1, "ssl_certificate", f"{paths.certificates}/{certificate.name}.pem")
    yield _line(1, "ssl_certificate_key", f"{paths.certificates}/{certificate.name}.key")


def _certificate(certificates: tuple[Certificate, ...], host: str) -> Certificate:
    for certificate in certificates:
        if any(covers(pattern, host) for pattern in certificate.hosts):
            return certificate
    return certificates[0]


def _name(host: str) -> Iterator[str]:
    if host:
        yield _line(1, "server_name", host)


def _health(options: Settings, paths: Paths, host: str) -> Iterator[str]:
    """The health check path: answered by our process, or by nginx alone while that is down."""
    if host:
        return
    yield f"  location = {options.health_path} {{"
    if options.connections_per_client:
        # The agent that asks shares its address with every client on its host.
        yield _line(2, "limit_conn", "nginx_lb_clients", _MOST_CONNECTIONS)
    yield _line(2, "access_log", "off")
    yield _line(2, "proxy_pass", f"http://unix:{paths.run}/status.sock:/healthz")
    yield _line(2, "proxy_connect_timeout", "1s")
    yield _line(2, "proxy_read_timeout", "1s")
    yield _line(2, "proxy_intercept_errors", "on")
    yield _line(2, "error_page", "500", "502", "503", "504", "=200", "@nginx_lb_alive")
    yield "  }"
    yield "  location @nginx_lb_alive {"
    yield _line(2, "access_log", "off")
    yield _line(2, "default_type", "application/json")
    yield """    return 200 '{"status":"ok","state":"unknown"}\\n';"""
    yield "  }"


def _failed(options: Settings) -> Iterator[str]:
    """Where nginx's own 502 and 504 go: the last try of a request has failed."""
    yield _line(1, "error_page", "502", "504", "@nginx_lb_failed")
    yield "  location @nginx_lb_failed {"
    pause = _pause(options.defaults)
    yield f'    content_by_lua_block {{ require("nginx_lb.live").failed({pause}) }}'
    yield "  }"


def _locations(options: Settings, route: Route) -> Iterator[str]:
    if route.path == "/":
        yield from _location(options, route, "/")
    else:
        yield from _location(options, route, "=", route.path)
        yield from _location(options, route, "^~", f"{route.path}/")


def _location(options: Settings, route: Route, *match: str) -> Iterator[str]:
    upstream = route.upstream
    target = _words(f"http://{upstream.key}$nginx_lb_no_keepalive")
    yield f"  location {_words(*match)} {{"
    yield _line(2, "set", "$nginx_lb_service", upstream.service)
    yield from _proxy_directives(upstream.tuning, options.defaults, 2)
    if upstream.tuning.balance == "least_conn":
        yield '    log_by_lua_block { require("nginx_lb.live").done() }'
    yield from _snippet(route.snippet, 2)
    if route.strip_path and route.path != "/":
        uris = "ngx.var.request_uri, ngx.var.uri"
        strip = f'require("nginx_lb.uri").strip({uris}, "{_words(route.path)}")'
        yield f"    set_by_lua_block $nginx_lb_uri {{ return {strip} }}"
        target += "$nginx_lb_uri"
    yield f"    proxy_pass {target};"
    yield "  }"


def _snippet(snippet: str, depth: int) -> Iterable[str]:
    return ["  " * depth + line for line in snippet.splitlines()]
