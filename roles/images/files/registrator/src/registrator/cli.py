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

from . import __version__
from .consul.agent_registry import ConsulRegistry
from .consul.dry_run import DryRun
from .consul.http import ConsulHttp
from .consul.kv_registry import ConsulKvRegistry
from .docker.source import DockerSource, container_from
from .domain.explain import explain
from .domain.interfaces import RegistryError, SourceError
from .domain.model import Container
from .domain.settings import (
    FatalError,
    HelpWanted,
    Settings,
    UsageError,
    listen_address,
    parse,
    parse_explain,
)
from .ops import logs
from .ops.host_address import own_address
from .ops.metrics import Metrics
from .ops.status import StatusServer
from .sync.loop import Daemon, stop_on_signals
from .sync.reconciler import Reconciler

log = logging.getLogger("registrator")
_DOCKER_SECONDS = 10.0
# The agent is on this host: one that takes longer hangs, and a hung write holds up the others.
_CONSUL_SECONDS = 3.0


def main() -> int:
    """Run the command; returns the process's exit status."""
    words = sys.argv[1:]
    if words == ["--version"]:
        print(f"v{__version__}")
        return 0
    logs.begin("info", "text")
    try:
        if words[:1] == ["explain"]:
            return _explain(*parse_explain(words[1:], os.environ, socket.gethostname()))
        settings = parse(words, os.environ, socket.gethostname())
        return _dry_run(settings) if settings.dry_run else _serve(settings)
    except HelpWanted as wanted:
        print(wanted, end="", file=sys.stderr)
        return 0
    except UsageError as error:
        print(error, end="", file=sys.stderr)
        return 2
    except FatalError as error:
        log.error("%s", error)
        return 1


def _serve(settings: Settings) -> int:
    """The daemon, until a signal ends it."""
    logs.begin(settings.log_level, settings.log_format)
    log.info("Starting registrator v%s ...", __version__)
    if settings.ip:
        log.info("Forcing host IP to %s", settings.ip)
    heartbeat = pathlib.Path(settings.heartbeat) if settings.heartbeat else None
    metrics = Metrics(settings.resync, heartbeat)
    registry = _registry(settings)
    source = _source(settings)
    reconciler = Reconciler(source, registry, settings, _own_ip(settings), metrics)
    daemon = Daemon(reconciler, source.events, settings.resync, metrics=metrics)
    stop_on_signals(daemon)
    status = _status(settings, metrics)
    try:
        if settings.retry_attempts >= 0 and not ping(registry, settings, daemon.stop):
            return 0 if daemon.stop.is_set() else 1
        daemon.run()
    finally:
        if status is not None:
            status.close()
    log.info("stopped")
    return 0


def _dry_run(settings: Settings) -> int:
    """One cycle that writes nothing; its changes on stdout."""
    logs.begin(settings.log_level, settings.log_format, "dry run: ")
    registry = DryRun(_registry(settings), print)
    try:
        Reconciler(_source(settings), registry, settings, _own_ip(settings)).cycle()
    except (SourceError, RegistryError) as error:
        log.error("%s", error)
        return 1
    log.info("%d changes, none made", registry.changes)
    return 0


def _explain(settings: Settings, wanted: str) -> int:
    """A container's services and the reasons for them on stdout; Consul is not asked."""
    logs.begin(settings.log_level, settings.log_format)
    own_ip = _own_ip(settings)
    try:
        if wanted == "-":
            containers = _described(json.load(sys.stdin))
        elif pathlib.Path(wanted).is_file():
            containers = _described(json.loads(pathlib.Path(wanted).read_text(encoding="utf-8")))
        else:
            containers = _asked(settings, wanted)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise FatalError(f"{wanted} is not what docker inspect prints: {error!r}") from error
    except SourceError as error:
        raise FatalError(str(error)) from error
    if not containers:
        raise FatalError(f"no running container {wanted}")
    print("\n".join(explain(entry, settings, own_ip) for entry in containers), end="")
    return 0


def _asked(settings: Settings, wanted: str) -> list[Container]:
    """The container of this name or identifier, as the engine knows it."""
    found = _source(settings).inspect(wanted)
    return [] if found is None else [found]


def _described(document: list[Mapping[str, Any]] | Mapping[str, Any]) -> list[Container]:
    """The containers of a `docker inspect`; one that does not run is taken as if it did.

    Whose network one of them joined is looked for among the others.
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


def ping(
    registry: ConsulRegistry | ConsulKvRegistry, settings: Settings, stop: threading.Event
) -> bool:
    """Upstream's start-up ping: as many tries more as -retry-attempts says; whether one worked."""
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


def _registry(settings: Settings) -> ConsulRegistry | ConsulKvRegistry:
    agent = ConsulHttp(settings, _CONSUL_SECONDS)
    if settings.kv:
        return ConsulKvRegistry(agent, settings.kv_prefix, settings.hostname)
    return ConsulRegistry(agent)


def _source(settings: Settings) -> DockerSource:
    return DockerSource(
        settings.docker_host,
        _DOCKER_SECONDS,
        tls_verify=settings.docker_tls_verify,
        cert_path=settings.docker_cert_path,
    )


def _status(settings: Settings, metrics: Metrics) -> StatusServer | None:
    """The server of -http, None without it."""
    if not settings.http:
        return None
    try:
        return StatusServer(listen_address(settings.http), metrics)
    except OSError as error:
        raise FatalError(f"-http {settings.http}: {error}") from error


def _own_ip(settings: Settings) -> str:
    """What stands for 0.0.0.0: -ip, else this host's own address."""
    return settings.ip or own_address(settings.hostname)
