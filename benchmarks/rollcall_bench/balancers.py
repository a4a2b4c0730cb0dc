"""What is compared: our balancer, a template with a reload, and Traefik, before one Consul."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import http.client
import pathlib
import tempfile
from collections.abc import Callable, Iterator

from rollcall_agents.agent import LOCAL, Agent, free_ports
from rollcall_agents.polling import eventually
from rollcall_lab.docker.images import Program, compiled
from rollcall_lab.progress import LabError

from .containers import IMAGE, container, instead, with_token

# In a secure cluster a Registrator may register what begins so.
SERVICE = "web-bench"
TRAEFIK = Program(
    *("traefik:v3.6.12", "github.com/traefik/traefik/v3/cmd/traefik", "traefik"), room="benchmarks"
)
# As in the articles: consul-template writes the upstream, and reloads nginx.
PLAIN_NGINX = """\
user www-data;
worker_processes auto;
pid /run/plain/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  include /run/plain/*.conf;
}
"""
PLAIN_TEMPLATE = """\
upstream web {
{{- range service "%s" }}
  server {{ .Address }}:{{ .Port }};
{{- else }}
  server 127.0.0.1:65535;
{{- end }}
}
server {
  listen %d;
  location / { proxy_pass http://web; }
}
"""
# Traefik's refreshInterval.
POLL_SECONDS = 15.0


class Page:
    """A page on loopback, asked again and again over one connection."""

    def __init__(self, port: int, path: str = "/", token: str = "") -> None:
        """Nothing is asked yet. The token is for an agent of Consul's."""
        self._connection = http.client.HTTPConnection(LOCAL, port, timeout=5)
        self._path = path
        # Traefik's own rule for a service is its name as the host.
        self._headers = {"Host": SERVICE, **({"X-Consul-Token": token} if token else {})}

    def text(self) -> str:
        """What is answered, whatever the status. OSError or HTTPException where nobody does."""
        try:
            self._connection.request("GET", self._path, headers=self._headers)
            return self._connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise


@dataclasses.dataclass(frozen=True)
class Balancer:
    """Where one answers, and whether it knows an instance's `address:port`."""

    port: int
    has: Callable[[str], bool]


@contextlib.contextmanager
def ours(agent: Agent, token: str = "") -> Iterator[Balancer]:
    """The balancer as the role runs it for one service, with a token where it needs one."""
    port, status = free_ports(2)
    environment = {
        "NGINX_LB_SERVICE": SERVICE,
        "NGINX_LB_PORT": port,
        "NGINX_LB_STATUS_PORT": status,
        "NGINX_LB_NETWORKS": "127.0.0.0/8",
        "CONSUL_HTTP_ADDR": f"{LOCAL}:{agent.port}",
    }
    options = tuple(word for key, value in environment.items() for word in ("-e", f"{key}={value}"))
    with tempfile.TemporaryDirectory(prefix="balancer-bench-") as scratch:
        run = pathlib.Path(scratch) / "run"
        run.mkdir()
        volume = ("-v", f"{run}:/run/nginx-lb", *with_token(pathlib.Path(scratch), token))
        with container("ours", IMAGE, options=(*options, *volume)):
            file = run / "instances"
            yield Balancer(port, lambda place: place in file.read_text())


@contextlib.contextmanager
def plain(agent: Agent) -> Iterator[Balancer]:
    """consul-template and nginx alone: each change is a reload."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="balancer-bench-") as scratch:
        folder = pathlib.Path(scratch)
        (folder / "nginx.main").write_text(PLAIN_NGINX)
        (folder / "web.ctmpl").write_text(PLAIN_TEMPLATE % (SERVICE, port))
        nginx = "nginx -c /run/plain/nginx.main"
        template = f"/run/plain/web.ctmpl:/run/plain/web.conf:{nginx} -s reload"
        follow = f"consul-template -consul-addr {LOCAL}:{agent.port} -template '{template}'"
        options = ("-v", f"{folder}:/run/plain", *instead("sh"))
        with container("plain", IMAGE, "-c", f"{nginx} && exec {follow}", options=options):
            file = folder / "web.conf"
            yield Balancer(port, lambda place: place in file.read_text())


@contextlib.contextmanager
def traefik(agent: Agent, *, watch: bool = False) -> Iterator[Balancer]:
    """Traefik with its Consul catalog provider; its API is there to be asked what it knows."""
    port, status = free_ports(2)
    words = (
        *("--global.checknewversion=false", "--global.sendanonymoususage=false"),
        *(f"--entrypoints.web.address={LOCAL}:{port}", "--api.insecure=true"),
        f"--entrypoints.traefik.address={LOCAL}:{status}",
        f"--providers.consulcatalog.endpoint.address={LOCAL}:{agent.port}",
        *(("--providers.consulcatalog.watch=true",) if watch else ()),
    )
    options = ("-v", f"{traefik_program()}:/traefik:ro", *instead("/traefik"))
    with container("traefik", IMAGE, *words, options=options):
        known = Page(status, f"/api/http/services/{SERVICE}@consulcatalog")
        yield Balancer(port, lambda place: place in known.text())


@functools.cache
def traefik_program() -> pathlib.Path:
    """Traefik, compiled once from the Go module proxy."""
    try:
        return compiled(TRAEFIK)
    except LabError as error:
        raise SystemExit(f"{error.what}\n  → {error.remedy}") from None


def ready(port: int, text: str) -> None:
    """Wait until somebody answers so there."""
    page = Page(port)
    eventually(f"{text!r} on port {port}", lambda: text in page.text())
