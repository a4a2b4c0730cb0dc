"""The composition root: settings, adapters, reconciler, daemon."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading

from . import __version__
from .consul_registry import ConsulRegistry
from .daemon import Daemon, stop_on_signals
from .docker_source import DockerSource
from .ports import RegistryError
from .reconciler import Reconciler
from .settings import FatalError, Settings, UsageError, parse

log = logging.getLogger("registrator")
_TIMEOUT_SECONDS = 10.0


def main() -> int:
    """Run the daemon; returns the process's exit status."""
    if sys.argv[1:] == ["--version"]:
        print(f"v{__version__}")
        return 0
    logging.basicConfig(
        stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%Y/%m/%d %H:%M:%S"
    )
    log.setLevel(logging.INFO)
    try:
        settings = parse(sys.argv[1:], os.environ, socket.gethostname())
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except FatalError as error:
        log.error("%s", error)
        return 1
    return _serve(settings)


def _serve(settings: Settings) -> int:
    log.info("Starting registrator v%s ...", __version__)
    source = DockerSource(settings.docker_host, _TIMEOUT_SECONDS)
    registry = ConsulRegistry(
        settings.registry, settings.token, settings.token_file, _TIMEOUT_SECONDS
    )
    reconciler = Reconciler(source, registry, settings, settings.ip or _own_ip())
    daemon = Daemon(reconciler, source.events, settings.resync)
    stop_on_signals(daemon)
    if settings.retry_attempts >= 0 and not _ping(registry, settings, daemon.stop):
        return 1
    daemon.run()
    log.info("stopped: services stay registered")
    return 0


def _ping(registry: ConsulRegistry, settings: Settings, stop: threading.Event) -> bool:
    """Upstream's start-up ping: as many tries more as -retry-attempts says."""
    for attempt in range(settings.retry_attempts + 1):
        try:
            registry.leader()
        except RegistryError as error:
            log.warning("waiting (%d of %d): %s", attempt, settings.retry_attempts, error)
            stop.wait(settings.retry_interval / 1000)
        else:
            return True
    return False


def _own_ip() -> str:
    """The address this host's name resolves to, empty where it does not."""
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return ""
