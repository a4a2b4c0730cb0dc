"""Containers on this machine's engine, and the images that they are made of."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
from collections.abc import Iterator, Mapping

from rollcall_agents.agent import LOCAL

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGE, LOAD = "balancer/nginx-lb:bench", "balancer/bench:bench"
REGISTRATOR = "balancer/registrator:bench"
SOCKET_PROXY = "balancer/docker-socket-proxy:bench"
LOAD_RECIPE = """\
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends hey wrk \
 && rm -rf /var/lib/apt/lists/*
"""
# What both balancers send requests to; the servers are left to say.
BACKENDS = """\
worker_processes 1;
pid /run/backends.pid;
error_log /dev/stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000;
%s
}
"""


def backends(answers: Mapping[int, str]) -> str:
    """The configuration of an nginx that answers on loopback: what to say, by the port."""
    return BACKENDS % "\n".join(
        f"server {{ listen {LOCAL}:{port}; location / {{ return 200 {text}; }} }}"
        for port, text in answers.items()
    )


def docker(*words: str, stdin: str | None = None) -> str:
    """What the engine answers; SystemExit with its own words where it refuses."""
    done = subprocess.run(["docker", *words], input=stdin, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"docker {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextlib.contextmanager
def container(
    name: str, image: str, *words: str, network: str = "host", options: tuple[str, ...] = ()
) -> Iterator[str]:
    """A container, removed at the end; its name."""
    full = f"balancer-bench-{name}"
    docker("create", "--name", full, "--network", network, *options, image, *words)
    try:
        docker("start", full)
        yield full
    finally:
        docker("rm", "-f", "-v", full)


def instead(program: str) -> tuple[str, ...]:
    """Options that run another program in the balancer's image, without the balancer's check."""
    return ("--entrypoint", program, "--no-healthcheck")


@contextlib.contextmanager
def nginx(
    name: str,
    configuration: str,
    folder: pathlib.Path,
    *,
    network: str = "host",
    options: tuple[str, ...] = (),
) -> Iterator[str]:
    """A container with the balancer's nginx alone, and a configuration that is kept in `folder`."""
    (folder / f"{name}.conf").write_text(configuration)
    mounted = ("-v", f"{folder}:/conf:ro", *instead("nginx"), *options)
    words = ("-c", f"/conf/{name}.conf", "-g", "daemon off;")
    with container(name, IMAGE, *words, network=network, options=mounted) as full:
        yield full


def with_token(folder: pathlib.Path, token: str) -> tuple[str, ...]:
    """Options that give a container a token in a file, none where there is no token."""
    if not token:
        return ()
    file = folder / "token"
    file.write_text(token)
    return ("-v", f"{file}:/run/token:ro", "-e", "CONSUL_HTTP_TOKEN_FILE=/run/token")


def build() -> None:
    """The images of the balancer, of Registrator and its proxy, and one with a load generator."""
    sources = ROOT / "roles" / "images" / "files"
    programs = {IMAGE: "nginx_lb", SOCKET_PROXY: "docker_socket_proxy", REGISTRATOR: "registrator"}
    for image, program in programs.items():
        docker(
            "build", "-q", "-t", image, "-f", str(sources / program / "Dockerfile"), str(sources)
        )
    docker("build", "-q", "-t", LOAD, "-", stdin=LOAD_RECIPE)
