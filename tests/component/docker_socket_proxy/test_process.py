"""The program as its image runs it: a socket, the health check, and its end."""

from __future__ import annotations

import os
import pathlib
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator

import pytest
from docker_socket_proxy import healthcheck

from .fake_engine import FakeEngine
from .stage import sees

SOURCES = pathlib.Path(__file__).resolve().parents[3] / "roles/images/files"


class Process:
    """The proxy's program, with its environment."""

    def __init__(self, folder: pathlib.Path) -> None:
        """An engine that answers, and no proxy yet."""
        self.engine = FakeEngine(folder / "engine.sock")
        self.path = folder / "proxy" / "docker.sock"
        self.path.parent.mkdir()
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{SOURCES}/common/src:{SOURCES}/docker_socket_proxy/src",
            "SOCKET_PROXY_LISTEN": str(self.path),
            "SOCKET_PROXY_ENGINE": str(self.engine.path),
            "SOCKET_PROXY_MODE": "0640",
        }

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        command = [sys.executable, "-m", "docker_socket_proxy", *words]
        known = {**self.environment, **environment}
        return subprocess.run(
            command, env=known, capture_output=True, text=True, timeout=60, check=False
        )

    def start(self) -> subprocess.Popen[str]:
        """Run it until it is ended."""
        command = [sys.executable, "-u", "-m", "docker_socket_proxy"]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def process(tmp_path: pathlib.Path) -> Iterator[Process]:
    """An engine that answers, and a program that was not started."""
    process = Process(tmp_path)
    process.engine.start()
    yield process
    process.engine.stop()


def test_it_serves_until_it_is_told_to_end(process: Process) -> None:
    """Its socket has the mode that was asked for, and goes with it."""
    with process.start() as proxy:
        sees("the socket", process.path.exists, 20)
        assert stat.S_IMODE(process.path.stat().st_mode) == 0o640
        assert healthcheck.problem(str(process.path)) == ""
        well = process.run("healthcheck")
        assert (well.returncode, well.stdout) == (0, "healthy\n")
        proxy.send_signal(signal.SIGTERM)
        assert proxy.wait(timeout=60) == 0
        assert proxy.stdout is not None
        lines = proxy.stdout.read().splitlines()
    assert lines == [
        f"docker-socket-proxy: listening at {process.path} (mode 0640) for {process.engine.path}",
        "docker-socket-proxy: stopped",
    ]
    assert not process.path.exists()


def test_without_its_engine_it_runs_and_is_not_well(process: Process) -> None:
    """The health check says why; only a signal ends the proxy."""
    process.engine.stop()
    with process.start() as proxy:
        sees("the socket", process.path.exists, 20)
        ill = process.run("healthcheck")
        assert ill.returncode == 1
        assert "the engine at" in ill.stderr
        assert proxy.poll() is None
        proxy.send_signal(signal.SIGTERM)
        assert proxy.wait(timeout=60) == 0


def test_without_a_proxy_the_health_check_says_so(process: Process) -> None:
    """It is not the engine then."""
    ill = process.run("healthcheck")
    assert (ill.returncode, str(process.path) in ill.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "environment", "status"),
    [
        (["help"], {}, 64),
        ([], {"SOCKET_PROXY_MODE": "rw"}, 64),
        ([], {"SOCKET_PROXY_LISTEN": "/nowhere/docker.sock"}, 1),
    ],
)
def test_what_cannot_be_meant_ends_it(
    process: Process, words: list[str], environment: dict[str, str], status: int
) -> None:
    """With a sentence, and no trace of Python's."""
    ended = process.run(*words, **environment)
    assert ended.returncode == status
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.stdout + ended.stderr
