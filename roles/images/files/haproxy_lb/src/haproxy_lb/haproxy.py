"""The HAProxy process and its sockets."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import socket
import subprocess
from collections.abc import Iterable


class Refused(Exception):
    """HAProxy refuses a configuration; the message is HAProxy's own."""


class ReloadFailed(Refused):
    """The configuration passed its check, and new workers could not be started with it."""


def check(folder: pathlib.Path) -> None:
    """Check a configuration by `haproxy -c`. Refused if that fails."""
    words = ["haproxy", "-c", "-f", str(folder)]
    try:
        done = subprocess.run(
            words, check=False, capture_output=True, text=True, timeout=30, env=_environment()
        )
    except subprocess.TimeoutExpired:
        raise Refused("haproxy -c did not finish within 30 s") from None
    if done.returncode < 0:
        raise Refused(f"haproxy -c was ended by signal {-done.returncode}")
    if done.returncode != 0:
        raise Refused(_reason(done.stderr))


def check_ports(ports: Iterable[tuple[str, int]]) -> None:
    """Check that nobody else listens on these addresses and ports. Refused where somebody does.

    `haproxy -c` does not see it, and a reload would: HAProxy takes its listeners away for a second
    or two meanwhile, and clients are refused.
    """
    for address, port in sorted(ports):
        try:
            _bind(address, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Refused(f"port {port} of {address} is in use by another program") from None


def start(folder: pathlib.Path, master: pathlib.Path) -> subprocess.Popen[bytes]:
    """Start the master process with its workers."""
    words = ["haproxy", "-W", "-db", "-S", str(master), "-f", str(folder)]
    return subprocess.Popen(words, env=_environment())


def answers(master: pathlib.Path) -> bool:
    """Whether the master CLI accepts connections."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(master))
        return True
    return False


def reload(master: pathlib.Path) -> None:
    """Start new workers; the old ones finish their requests. ReloadFailed where that fails."""
    try:
        answer = command(master, "reload", seconds=30)
    except OSError as error:
        raise ReloadFailed(f"HAProxy does not answer to a reload: {error}") from error
    if not answer.startswith("Success=1"):
        raise ReloadFailed(_reason(answer))


def command(socket_path: pathlib.Path, text: str, *, seconds: float = 5) -> str:
    """The answer of a CLI socket to one command. OSError where it does not answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(socket_path))
        connection.sendall(text.encode() + b"\n")
        parts = []
        while data := connection.recv(65536):
            parts.append(data)
    return b"".join(parts).decode(errors="replace")


def _environment() -> dict[str, str]:
    """The variables for HAProxy: its configuration asks for HAPROXY_LB_IPV6."""
    return {**os.environ, **({"HAPROXY_LB_IPV6": "1"} if _has_ipv6() else {})}


def _has_ipv6() -> bool:
    """Whether this host can listen on IPv6 addresses."""
    with contextlib.suppress(OSError):
        _bind("::", 0)
        return True
    return False


def _bind(address: str, port: int) -> None:
    """Take an address and a port for a moment, as HAProxy would. OSError where that fails."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind((address, port))


def _reason(output: str) -> str:
    """The alerts that name the error, with the lines that belong to each."""
    alerts: list[str] = []
    within = False
    for line in output.splitlines():
        if line.startswith("["):
            within = line.startswith("[ALERT]")
            if within:
                alerts.append(line.partition(" : ")[2])
        elif within:
            alerts[-1] += f" {line.strip()}"
    # The last ones only summarise.
    return " ".join(alerts[:3] or [output.strip() or "HAProxy gives no reason"])[:600]
