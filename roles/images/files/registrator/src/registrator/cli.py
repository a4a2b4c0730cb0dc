"""The composition root: settings, adapters, reconciler, daemon."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import socket
import sys
import threading
from collections.abc import Mapping
from typing import Any

from rollcall_common.status_server import StatusServer

from . import __version__
from .consul.agent_registry import AgentRegistry
from .consul.client import ConsulClient
from .consul.dry_run import DryRun
from .consul.kv_registry import KvRegistry
from .docker.source import DockerSource, container_from
from .domain.explain import explain
from .domain.interfaces import RegistryError, SourceError
from .domain.model import Container
from .domain.settings import (
    FatalError,
    HelpRequested,
    Settings,
    UsageError,
    listen_address,
    parse,
    parse_explain,
)
from .ops import logs
from .ops.host_address import host_address
from .ops.metrics import Metrics, status_pages
from .sync.loop import SyncLoop, handle_signals
from .sync.reconciler import Reconciler

log = logging.getLogger("registrator")
_DOCKER_SECONDS = 10.0
# The agent is on this host: a longer request hangs, and would block the other writes.
_CONSUL_SECONDS = 3.0


def main() -> int:
    """Run the command; returns the exit status of the process."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print(f"v{__version__}")
        return 0
    logs.configure("info", "text")
    try:
        if arguments[:1] == ["explain"]:
            return _explain(*parse_explain(arguments[1:], os.environ, socket.gethostname()))
        settings = parse(arguments, os.environ, socket.gethostname())
        return _dry_run(settings) if settings.dry_run else _serve(settings)
    except HelpRequested as help_text:
        print(help_text, end="", file=sys.stderr)
        return 0
    except UsageError as error:
        print(error, end="", file=sys.stderr)
        return 2
    except FatalError as error:
        log.error("%s", error)
        return 1


def _serve(settings: Settings) -> int:
    """Run the daemon until a signal ends it."""
    logs.configure(settings.log_level, settings.log_format)
    log.info("Starting registrator v%s ...", __version__)
    if settings.ip:
        log.info("Forcing host IP to %s", settings.ip)
    heartbeat = pathlib.Path(settings.heartbeat) if settings.heartbeat else None
    metrics = Metrics(settings.resync, heartbeat)
    registry = _registry(settings)
    source = _source(settings)
    reconciler = Reconciler(source, registry, settings, _host_ip(settings), metrics)
    loop = SyncLoop(reconciler, source.events, settings.resync, metrics=metrics)
    handle_signals(loop)
    status = _status(settings, metrics)
    try:
        if settings.retry_attempts >= 0 and not ping(registry, settings, loop.stop):
            return 0 if loop.stop.is_set() else 1
        loop.run()
    finally:
        if status is not None:
            status.close()
    log.info("stopped")
    return 0


def _dry_run(settings: Settings) -> int:
    """Print the changes of one cycle on stdout, without making them."""
    logs.configure(settings.log_level, settings.log_format, "dry run: ")
    registry = DryRun(_registry(settings), print)
    try:
        Reconciler(_source(settings), registry, settings, _host_ip(settings)).cycle()
    except (SourceError, RegistryError) as error:
        log.error("%s", error)
        return 1
    log.info("%d changes, none applied", registry.changes)
    return 0


def _explain(settings: Settings, wanted: str) -> int:
    """Print a container's services and the reasons for them, without Consul."""
    logs.configure(settings.log_level, settings.log_format)
    host_ip = _host_ip(settings)
    try:
        if wanted == "-":
            containers = _from_inspect_output(json.load(sys.stdin))
        elif pathlib.Path(wanted).is_file():
            containers = _from_inspect_output(
                json.loads(pathlib.Path(wanted).read_text(encoding="utf-8"))
            )
        else:
            containers = _from_engine(settings, wanted)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise FatalError(f"{wanted} is not the output of docker inspect: {error!r}") from error
    except SourceError as error:
        raise FatalError(str(error)) from error
    if not containers:
        raise FatalError(f"no running container {wanted}")
    print("\n".join(explain(entry, settings, host_ip) for entry in containers), end="")
    return 0


def _from_engine(settings: Settings, wanted: str) -> list[Container]:
    """The container with this name or identifier, from the engine."""
    found = _source(settings).inspect(wanted)
    return [] if found is None else [found]


def _from_inspect_output(document: list[Mapping[str, Any]] | Mapping[str, Any]) -> list[Container]:
    """The containers in the output of `docker inspect`, each as if it were running.

    A container whose network another one joined is looked up in the same output.
    """
    entries = [document] if isinstance(document, Mapping) else list(document)
    names = {key: entry for entry in entries for key in (entry["Id"], entry["Name"].lstrip("/"))}
    found = []
    for entry in entries:
        running = {**entry["State"], "Status": "running", "Running": True, "Restarting": False}
        mode = (entry.get("HostConfig") or {}).get("NetworkMode") or ""
        joined = names.get(mode.removeprefix("container:"))
        found.append(container_from({**entry, "State": running}, joined))
    return [container for container in found if container is not None]


def ping(registry: AgentRegistry | KvRegistry, settings: Settings, stop: threading.Event) -> bool:
    """Upstream's ping at startup, repeated -retry-attempts times; whether one succeeded."""
    for attempt in range(settings.retry_attempts + 1):
        log.info("Connecting to backend (%d/%d)", attempt, settings.retry_attempts)
        try:
            log.info("consul: current leader %s", registry.leader())
        except RegistryError as error:
            if attempt == settings.retry_attempts:
                log.error("%s", error)
                return False
            log.warning("waiting: %s", error)
            if stop.wait(settings.retry_interval / 1000):
                return False
        else:
            return True
    return False


def _registry(settings: Settings) -> AgentRegistry | KvRegistry:
    agent = ConsulClient(settings, _CONSUL_SECONDS)
    if settings.kv:
        return KvRegistry(agent, settings.kv_prefix, settings.hostname)
    return AgentRegistry(agent)


def _source(settings: Settings) -> DockerSource:
    return DockerSource(
        settings.docker_host,
        _DOCKER_SECONDS,
        tls_verify=settings.docker_tls_verify,
        cert_path=settings.docker_cert_path,
    )


def _status(settings: Settings, metrics: Metrics) -> StatusServer | None:
    """The status server of -http, None without it."""
    if not settings.http:
        return None
    try:
        return StatusServer(listen_address(settings.http), status_pages(metrics))
    except OSError as error:
        raise FatalError(f"-http {settings.http}: {error}") from error


def _host_ip(settings: Settings) -> str:
    """The address that replaces 0.0.0.0: -ip, else the host's own."""
    return settings.ip or host_address(settings.hostname)
