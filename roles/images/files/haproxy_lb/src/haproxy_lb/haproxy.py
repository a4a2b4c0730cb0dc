"""The HAProxy process and its sockets."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess


class Refused(Exception):
    """HAProxy refuses a configuration; the message is HAProxy's own."""


def check(folder: pathlib.Path) -> None:
    """Check a configuration by `haproxy -c`. Refused if that fails."""
    words = ["haproxy", "-c", "-f", str(folder)]
    try:
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        raise Refused("haproxy -c did not finish within 30 s") from None
    if done.returncode != 0:
        raise Refused(_reason(done.stderr))


def start(folder: pathlib.Path, master: pathlib.Path) -> subprocess.Popen[bytes]:
    """Start the master process with its workers."""
    return subprocess.Popen(["haproxy", "-W", "-db", "-S", str(master), "-f", str(folder)])


def answers(master: pathlib.Path) -> bool:
    """Whether the master CLI accepts connections."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(master))
        return True
    return False


def reload(master: pathlib.Path) -> None:
    """Start new workers; the old ones finish their requests. Refused where that fails."""
    answer = command(master, "reload", seconds=30)
    if not answer.startswith("Success=1"):
        raise Refused(_reason(answer))


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


def _reason(output: str) -> str:
    """The alerts that name the error."""
    alerts = [line.partition(" : ")[2] for line in output.splitlines() if "[ALERT]" in line]
    # The last ones only summarise.
    return " ".join(alerts[:3] or [output.strip() or "HAProxy gives no reason"])[:600]
