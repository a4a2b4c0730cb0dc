"""Renders nginx's configuration for a site. Pure: the same site gives the same text.

Every directive passes `_line`, which allows no quotes and no special characters: what is not a
plain word cannot be written. Only the operator's snippets and our constants are written verbatim.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from ..model import Instance
from ..routing import Route, Site, Upstream, covers
from ..settings.model import Certificate, Settings, Tuning

_WORD = re.compile(r"[A-Za-z0-9_./:\[\]$=*~^@,+-]+")
# The suffix of the upstreams that keep no idle connections.
_NO_KEEPALIVE = ".no_keepalive"

_LOG = """\
  log_format nginx_lb escape=json
    '{"time":"$time_iso8601","client":"$remote_addr","host":"$host","request":"$request",'
    '"status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,"service":"$nginx_lb_service",'
    '"backend":"$upstream_addr","attempts":$nginx_lb_attempts,"backend_status":"$upstream_status",'
    '"backend_connect_seconds":"$upstream_connect_time",'
    '"backend_seconds":"$upstream_response_time"}';
  map $upstream_addr $nginx_lb_attempts {
    "" 0;
    "~^[^,]+$" 1;
    "~^[^,]+,[^,]+$" 2;
    "~^[^,]+,[^,]+,[^,]+$" 3;
    "~^[^,]+,[^,]+,[^,]+,[^,]+$" 4;
    "~^[^,]+,[^,]+,[^,]+,[^,]+,[^,]+$" 5;
    default 6;
  }
"""
_MAPS = f"""\
  # An instance may just be closing an idle connection: a request that is not retried uses none.
  map $request_method $nginx_lb_no_keepalive {{
    default "";
    POST {_NO_KEEPALIVE};
    PATCH {_NO_KEEPALIVE};
    LOCK {_NO_KEEPALIVE};
  }}
  map $http_upgrade $nginx_lb_upgrade {{
    default "";
    "~*^websocket$" websocket;
  }}
  map $http_upgrade $nginx_lb_connection {{
    default "";
    "~*^websocket$" upgrade;
  }}
"""
_GZIP = """\
  gzip on;
  gzip_vary on;
  gzip_proxied any;
  gzip_min_length 1024;
  gzip_types text/plain text/css text/xml application/json application/javascript
    application/xml application/xml+rss image/svg+xml;
"""
_PROXY = """\
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Upgrade $nginx_lb_upgrade;
  proxy_set_header Connection $nginx_lb_connection;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $host;
"""
_EMPTY = '503 "no instance of this service is passing\\n"'


@dataclasses.dataclass(frozen=True)
class Paths:
    """The paths in the configuration, and the user of the workers."""

    run: str = "/run/nginx-lb"
    certificates: str = "/etc/nginx-lb/conf/certificates"
    user: str = "www-data"
    log: str = "/dev/stdout"
    error_log: str = "/dev/stderr"


def render(options: Settings, site: Site, paths: Paths) -> str:
    """The whole configuration, with 0 as its generation."""
    return "\n".join(_configuration(options, site, paths)) + "\n"


def numbered(text: str, generation: int) -> str:
    """A rendered configuration whose /generation answers with this generation."""
    return text.replace(_generation_response(0), _generation_response(generation), 1)


def _generation_response(generation: int) -> str:
    return f'return 200 "{generation} $pid\\n";'


def _line(depth: int, *words: str) -> str:
    """A directive. ValueError for anything but plain words: validation lets nothing else pass."""
    for word in words:
        if not _WORD.fullmatch(word):
            raise ValueError(f"{word!r} is not a plain word")
    return f"{'  ' * depth}{' '.join(words)};"


def _configuration(options: Settings, site: Site, paths: Paths) -> Iterator[str]:
    if paths.user:
        yield _line(0, "user", paths.user)
    yield _line(0, "worker_processes", "auto")
    yield _line(0, "pcre_jit", "on")
    yield _line(0, "pid", f"{paths.run}/nginx.pid")
    yield _line(0, "worker_shutdown_timeout", options.shutdown_timeout)
    yield _line(0, "error_log", paths.error_log, "warn")
    yield "events {"
    yield _line(1, "worker_connections", str(options.worker_connections))
    yield "}"
    yield "http {"
    yield from _http(options, site, paths)
    for upstream in site.upstreams:
        yield from _upstreams(upstream)
    yield from _own_server(paths)
    yield from _servers(options, site, paths)
    yield "}"


def _http(options: Settings, site: Site, paths: Paths) -> Iterator[str]:
    yield _LOG.rstrip()
    yield _line(1, "access_log", *_access_log(options, paths))
    yield _line(1, "server_tokens", "off")
    yield _line(1, "keepalive_timeout", options.keepalive_timeout)
    yield _line(1, "keepalive_min_timeout", options.keepalive_min_timeout)
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        yield _line(1, f"{kind}_temp_path", f"{paths.run}/temp/{kind}")
    # A host name has at most 253 characters; with less room nginx would refuse to start.
    yield _line(1, "server_names_hash_bucket_size", "512")
    yield _line(1, "server_names_hash_max_size", str(max(512, 4 * len(site.routes))))
    yield _line(1, "variables_hash_max_size", "2048")
    yield _MAPS.rstrip()
    yield _PROXY.rstrip()
    yield from _proxy_directives(options.defaults, None)
    if options.gzip:
        yield _GZIP.rstrip()
    for network in options.real_ip_from:
        yield _line(1, "set_real_ip_from", str(network))
    if options.real_ip_from:
        yield _line(1, "real_ip_header", options.real_ip_header)
        yield _line(1, "real_ip_recursive", "on")
    yield from _snippet(options.http_snippet)


def _access_log(options: Settings, paths: Paths) -> tuple[str, ...]:
    if not options.access_log:
        return ("off",)
    return paths.log, "nginx_lb", "buffer=32k", "flush=1s"


def _proxy_directives(tuning: Tuning, inherited: Tuning | None, depth: int = 1) -> Iterator[str]:
    """The directives of a tuning, without those that are inherited with the same value."""

    def differs(*names: str) -> bool:
        return inherited is None or any(
            getattr(tuning, name) != getattr(inherited, name) for name in names
        )

    if differs("connect_timeout"):
        yield _line(depth, "proxy_connect_timeout", tuning.connect_timeout)
    if differs("read_timeout"):
        yield _line(depth, "proxy_read_timeout", tuning.read_timeout)
    if differs("send_timeout"):
        yield _line(depth, "proxy_send_timeout", tuning.send_timeout)
    if differs("retry_on"):
        yield _line(depth, "proxy_next_upstream", *(tuning.retry_on or ("off",)))
    if differs("tries"):
        yield _line(depth, "proxy_next_upstream_tries", str(tuning.tries))
    if differs("tries_timeout"):
        yield _line(depth, "proxy_next_upstream_timeout", tuning.tries_timeout)
    if differs("max_body"):
        yield _line(depth, "client_max_body_size", tuning.max_body)
    if differs("buffering"):
        yield _line(depth, "proxy_buffering", "on" if tuning.buffering else "off")


def _upstreams(upstream: Upstream) -> Iterator[str]:
    """The upstream, and its twin without keep-alive for requests that are not retried."""
    if not upstream.instances:
        return
    yield from _upstream(upstream, upstream.key, upstream.tuning.keepalive)
    yield from _upstream(upstream, upstream.key + _NO_KEEPALIVE, 0)


def _upstream(upstream: Upstream, key: str, keepalive: int) -> Iterator[str]:
    tuning = upstream.tuning
    yield f"  upstream {_line(0, key)[:-1]} {{"
    yield _line(2, "zone", key, _zone(len(upstream.instances)))
    if tuning.balance == "least_conn":
        yield _line(2, "least_conn")
    elif tuning.balance == "hash":
        yield _line(2, "hash", tuning.hash_key, "consistent")
    limits = (f"max_fails={tuning.max_fails}", f"fail_timeout={tuning.fail_timeout}")
    even = len({instance.weight for instance in upstream.instances}) <= 1
    for instance in upstream.instances:
        yield _line(2, "server", str(instance.endpoint), *_weight(tuning, instance, even), *limits)
    yield _line(2, "keepalive", str(keepalive))
    if keepalive:
        # Shorter than the usual keep-alive timeout of an instance, so that nginx closes first.
        yield _line(2, "keepalive_timeout", "30s")
    yield "  }"


def _weight(tuning: Tuning, instance: Instance, even: bool) -> tuple[str, ...]:
    return (f"weight={instance.weight}",) if tuning.weights and not even else ()


def _zone(instances: int) -> str:
    """The shared memory zone of an upstream: about 1 KiB per peer, and some pages for the zone."""
    return f"{max(64, 32 + 4 * instances)}k" if instances < 8000 else "64m"


def _own_server(paths: Paths) -> Iterator[str]:
    """The server on the Unix socket, for this container only: the generation and stub_status."""
    yield "  server {"
    yield _line(2, "listen", f"unix:{paths.run}/nginx.sock")
    yield _line(2, "access_log", "off")
    yield f"    location = /generation {{ {_generation_response(0)} }}"
    yield "    location = /stub_status { stub_status; }"
    yield "  }"


def _servers(options: Settings, site: Site, paths: Paths) -> Iterator[str]:
    hosts: dict[str, list[Route]] = {"": []}
    for route in site.routes:
        hosts.setdefault(route.host, []).append(route)
    for host, routes in sorted(hosts.items()):
        tls = _tls(options, host, paths)
        if options.tls and options.tls.redirect:
            yield "  server {"
            yield _line(2, "listen", str(options.port), *_default(host))
            yield from _name(host)
            yield from _health(options, paths, host)
            port = "" if options.tls.port == 443 else f":{options.tls.port}"
            yield f"    location / {{ return 308 https://$host{port}$request_uri; }}"
            yield "  }"
            yield "  server {"
        else:
            yield "  server {"
            yield _line(2, "listen", str(options.port), *_default(host))
        yield from tls
        yield from _name(host)
        yield '    set $nginx_lb_service "";'
        yield from _health(options, paths, host)
        yield from _snippet(options.server_snippet, 2)
        for route in routes:
            yield from _locations(options, route)
        if not any(route.path == "/" for route in routes):
            yield '    location / { return 404 "no service answers here\\n"; }'
        yield "  }"


def _tls(options: Settings, host: str, paths: Paths) -> list[str]:
    """The directives for TLS, none without it."""
    if not options.tls:
        return []
    certificate = _certificate(options.tls.certificates, host)
    return [
        _line(2, "listen", str(options.tls.port), "ssl", *_default(host)),
        _line(2, "http2", "on"),
        _line(2, "ssl_protocols", "TLSv1.2", "TLSv1.3"),
        _line(2, "ssl_session_cache", "shared:nginx_lb:10m"),
        _line(2, "ssl_session_timeout", "1h"),
        _line(2, "ssl_certificate", f"{paths.certificates}/{certificate.name}.pem"),
        _line(2, "ssl_certificate_key", f"{paths.certificates}/{certificate.name}.key"),
    ]


def _certificate(certificates: tuple[Certificate, ...], host: str) -> Certificate:
    for certificate in certificates:
        if any(covers(pattern, host) for pattern in certificate.hosts):
            return certificate
    return certificates[0]


def _default(host: str) -> tuple[str, ...]:
    return () if host else ("default_server",)


def _name(host: str) -> Iterator[str]:
    if host:
        yield _line(2, "server_name", host)


def _health(options: Settings, paths: Paths, host: str) -> Iterator[str]:
    """The health check path: answered by our process, or by nginx alone while that is down."""
    if host:
        return
    yield f"    location = {options.health_path} {{"
    yield _line(3, "access_log", "off")
    yield _line(3, "proxy_pass", f"http://unix:{paths.run}/status.sock:/healthz")
    yield _line(3, "proxy_connect_timeout", "1s")
    yield _line(3, "proxy_read_timeout", "1s")
    yield _line(3, "proxy_intercept_errors", "on")
    yield _line(3, "error_page", "500", "502", "503", "504", "=200", "@nginx_lb_alive")
    yield "    }"
    yield "    location @nginx_lb_alive {"
    yield _line(3, "access_log", "off")
    yield _line(3, "default_type", "application/json")
    yield """      return 200 '{"status":"ok","state":"unknown"}\\n';"""
    yield "    }"


def _locations(options: Settings, route: Route) -> Iterator[str]:
    if route.path == "/":
        yield from _location(options, route, "/")
    else:
        yield from _location(options, route, "=", route.path)
        yield from _location(options, route, "^~", f"{route.path}/")


def _location(options: Settings, route: Route, *match: str) -> Iterator[str]:
    upstream = route.upstream
    yield f"    location {_line(0, *match)[:-1]} {{"
    yield _line(3, "set", "$nginx_lb_service", upstream.service)
    if route.strip_path and route.path != "/":
        escaped = route.path.replace(".", "[.]")
        yield f"      rewrite ^{_line(0, escaped)[:-1]}/?(.*)$ /$1 break;"
    yield from _proxy_directives(upstream.tuning, options.defaults, 3)
    yield "      add_header X-Backend $upstream_addr always;"
    yield from _snippet(route.snippet, 3)
    if upstream.instances:
        yield _line(3, "proxy_pass", f"http://{upstream.key}$nginx_lb_no_keepalive")
    else:
        yield "      add_header Retry-After 1 always;"
        yield f"      return {_EMPTY};"
    yield "    }"


def _snippet(snippet: str, depth: int = 1) -> Iterable[str]:
    return ["  " * depth + line for line in snippet.splitlines()]
