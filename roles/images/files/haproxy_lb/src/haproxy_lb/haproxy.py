"""HAProxy's program and sockets."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess


class Refused(Exception):
    """HAProxy will not have a configuration; says its reason."""


def check(folder: pathlib.Path) -> None:
    """Have HAProxy read a configuration without using it. Refused with its reason."""
    words = ["haproxy", "-c", "-f", str(folder)]
    try:
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        raise Refused("it has not read the configuration to its end in 30 s") from None
    if done.returncode != 0:
        raise Refused(_reason(done.stderr))


def start(folder: pathlib.Path, master: pathlib.Path) -> subprocess.Popen[bytes]:
    """The master with its workers."""
    return subprocess.Popen(["haproxy", "-W", "-db", "-S", str(master), "-f", str(folder)])


def answers(master: pathlib.Path) -> bool:
    """Whether HAProxy has come as far as to be asked anything."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(master))
        return True
    return False


def reload(master: pathlib.Path) -> None:
    """New workers take over the listening sockets, old ones end their requests. May be Refused."""
    answer = ask(master, "reload", seconds=30)
    if not answer.startswith("Success=1"):
        raise Refused(_reason(answer))


def ask(where: pathlib.Path, command: str, *, seconds: float = 5) -> str:
    """What a socket of HAProxy's answers to one command. OSError where it does not."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(where))
        connection.sendall(command.encode() + b"\n")
        parts = []
        while data := connection.recv(65536):
            parts.append(data)
    return b"".join(parts).decode(errors="replace")


def _reason(output: str) -> str:
    """The sentences that name what is wrong."""
    alerts = [line.partition(" : ")[2] for line in output.splitlines() if "[ALERT]" in line]
    # The last of them only sum up.
    return " ".join(alerts[:3] or [output.strip() or "it gives no reason"])[:600]
