"""The container's first process: what it starts again, and when it ends."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest
from rollcall_agents.polling import eventually

# The supervisor in a process of its own, which adopts orphans as the first process of a container.
_PROGRAM = """
import ctypes, pathlib, sys
from nginx_lb.container.supervisor import Supervisor
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
folder = pathlib.Path(sys.argv[1])
sys.exit(Supervisor(["sh", str(folder / "control")], {}, folder / "nginx.pid", []).run())
"""
# Starts an nginx that ends at SIGQUIT, unless one runs; then waits, and notes that it was started.
# Not by an ampersand: the shell would have it ignore SIGQUIT.
_CONTROL = """
echo started >> {folder}/starts
[ -e {folder}/nginx.pid ] || setsid --fork sh {folder}/nginx
trap 'exit 0' TERM
while true; do sleep 0.05; done
"""
_NGINX = """
trap 'sleep 0.2; echo quit > {folder}/quit; exit 0' QUIT
echo $$ > {folder}/nginx.partial
mv {folder}/nginx.partial {folder}/nginx.pid
while true; do sleep 0.05; done
"""


class Container:
    """A supervisor, and what its children have written."""

    def __init__(self, folder: pathlib.Path, control: str = _CONTROL) -> None:
        """Start it."""
        self.folder = folder
        for name, text in (("control", control), ("nginx", _NGINX)):
            (folder / name).write_text(textwrap.dedent(text.format(folder=folder)))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        words = [sys.executable, "-c", _PROGRAM, str(folder)]
        self.process = subprocess.Popen(words, env=environment)

    @property
    def starts(self) -> int:
        """How often the control process was started."""
        path = self.folder / "starts"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def nginx(self) -> int:
        """The process ID of nginx, once it runs."""
        path = self.folder / "nginx.pid"
        eventually("nginx", path.exists)
        return int(path.read_text())

    def control(self) -> int:
        """The process ID of the control process that runs."""
        words = ["pgrep", "-f", f"^sh {self.folder}/control$"]
        found = eventually("the control process", lambda: _output(words))
        return int(str(found).split()[0])


def _output(words: list[str]) -> str:
    return subprocess.run(words, check=False, capture_output=True, text=True).stdout


@pytest.fixture
def container(tmp_path: pathlib.Path) -> Iterator[Callable[..., Container]]:
    """Start one; it is ended with all that it has started."""
    made: list[Container] = []

    def start(**more: str) -> Container:
        made.append(Container(tmp_path, **more))
        return made[-1]

    yield start
    for each in made:
        each.process.kill()
        each.process.wait()
        for name in ("control", "nginx"):
            subprocess.run(["pkill", "-9", "-f", f"^sh {tmp_path}/{name}$"], check=False)


def test_the_control_process_is_started_again(container: Callable[..., Container]) -> None:
    """And nginx goes on, the same one."""
    one = container()
    nginx = one.nginx()
    os.kill(one.control(), signal.SIGKILL)
    eventually("another control process", lambda: one.starts == 2)
    assert one.nginx() == nginx
    os.kill(nginx, 0)
    assert one.process.poll() is None


def test_it_ends_with_nginx(container: Callable[..., Container]) -> None:
    """A failure, whatever nginx's status: the engine starts the container again."""
    one = container()
    os.kill(one.nginx(), signal.SIGKILL)
    assert one.process.wait(10) == 1


def test_nginx_finishes_its_requests_when_it_is_told_to_stop(
    container: Callable[..., Container],
) -> None:
    """First the control process ends, then nginx is asked to quit, and is waited for."""
    one = container()
    one.nginx()
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(10) == 0
    assert (one.folder / "quit").read_text() == "quit\n"


def test_a_control_process_that_starts_no_nginx_ends_it(
    container: Callable[..., Container],
) -> None:
    """With its status: invalid settings are 64."""
    assert container(control="exit 64\n").process.wait(10) == 64
