"""A real Consul agent as a process of our own, and where its program comes from."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import random
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from .polling import eventually

LOCAL, OTHER, THIRD, FOURTH = ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
IMAGE = "hashicorp/consul:1.22.7"
# Settings of a gossip that finds a dead agent in 2 to 3 seconds rather than in the half minute of a
# real net, and takes none for dead that did not run for 8 x 200 ms because the machine was busy.
FAST_FAILURE_DETECTION = 'probe_interval = "200ms" probe_timeout = "100ms" suspicion_mult = 8'
# Below those that the kernel gives to whoever opens a connection (ip_local_port_range): what is
# free when it is chosen still is when a program listens there.
_QUIET_PORTS = range(10_000, 30_000)
# Nothing that tests ask takes as long, however busy the machine is.
_SECONDS = 30
# What says to other processes that a port is taken.
_marks: list[socket.socket] = []


def consul_binary() -> str:
    """The newest Consul that was compiled here, else the image's, else the one of the system."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = cache / "rollcall" / "bin"
    built = [
        path
        for path in folder.glob("consul-*")
        # What is being compiled right now is none yet.
        if not path.name.startswith("consul-template") and path.suffix != ".partial"
    ]
    if built:
        return str(max(built, key=lambda path: path.stat().st_mtime))
    found = out_of_image(folder) or shutil.which("consul")
    if not found:
        raise RuntimeError(
            f"no Consul in {folder}, no image {IMAGE} in a Docker Engine here, and none on the "
            "path: lab/up builds it"
        )
    return found


def consul_version() -> str:
    """The version that the program says it is, such as 1.22.7."""
    command = [consul_binary(), "version", "-format=json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    return str(json.loads(done.stdout)["Version"])


def out_of_image(folder: pathlib.Path) -> str | None:
    """The program of the engine's image, kept in `folder`; None without engine or image."""
    # Not by the name of a compiled one, which it would hide once there is another image.
    binary = folder / f"image-consul-{IMAGE.rpartition(':')[2]}"
    if binary.exists():
        return str(binary)
    docker = shutil.which("docker")
    if not docker:
        return None
    made = subprocess.run(
        [docker, "create", "--pull=never", IMAGE], check=False, capture_output=True, text=True
    )
    if made.returncode != 0:
        return None
    container = made.stdout.strip()
    folder.mkdir(parents=True, exist_ok=True)
    # Whoever looks meanwhile finds a whole program or none.
    partial = binary.with_name(f"{binary.name}-{container[:12]}.partial")
    try:
        subprocess.run([docker, "cp", "-q", f"{container}:/bin/consul", partial], check=True)
        partial.rename(binary)
    finally:
        subprocess.run([docker, "rm", container], check=True, stdout=subprocess.DEVNULL)
    return str(binary)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has on any of the addresses, for TCP and UDP.

    Nobody else is given them while this process lives: those that start agents side by side ask
    here, and an agent listens only a moment after its port was chosen.
    """
    found: list[int] = []
    while len(found) < count:
        port = random.choice(_QUIET_PORTS)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            mark = stack.enter_context(socket.socket(socket.AF_UNIX))
            # An abstract name: it is taken for as long as a process has it.
            mark.bind(f"\0rollcall-port-{port}")
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                for host in ADDRESSES:
                    stack.enter_context(socket.socket(type=kind)).bind((host, port))
            _marks.append(mark.dup())
            found.append(port)
    return found


@dataclasses.dataclass(frozen=True)
class Answer:
    """What an agent answered to one request."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclasses.dataclass
class Agent:
    """A Consul agent, a process of our own.

    It speaks TLS where `authority` names the file of who signed its certificate; `identity` is the
    certificate, with its key, that we show it.
    """

    node: str
    address: str
    port: int
    arguments: tuple[str, ...]
    folder: pathlib.Path
    token: str = ""
    authority: pathlib.Path | None = None
    identity: tuple[pathlib.Path, pathlib.Path] | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.authority else 'http'}://{self.address}:{self.port}"

    def port_of(self, part: str) -> int:
        """One of its other ports: that of `serf-lan`, the gossip, or `server`, the RPC."""
        prefix = f"-{part}-port="
        found = [argument for argument in self.arguments if argument.startswith(prefix)]
        return int(found[-1].removeprefix(prefix))

    @property
    def gossip(self) -> str:
        """The place at which others join it."""
        return f"{self.address}:{self.port_of('serf-lan')}"

    def start(self) -> None:
        """Start it and wait until it knows a leader."""
        self.launch()
        self.ready("a leader", lambda: self.get("/v1/status/leader"))

    def launch(self) -> None:
        """Start it, whether it will find a leader or not."""
        closed, opened = ("http", "https") if self.authority else ("https", "http")
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(consul_binary(), "agent", f"-node={self.node}", f"-bind={self.address}"),
                    *(f"-client={self.address}", f"-{opened}-port={self.port}"),
                    f"-{closed}-port=-1",
                    *("-dns-port=-1", "-grpc-port=-1", "-grpc-tls-port=-1"),
                    f"-data-dir={self.folder / 'data'}",
                    *("-hcl", f"gossip_lan {{ {FAST_FAILURE_DETECTION} }}"),
                    # Of two values for one thing, Consul takes the last: the story's own.
                    *self.arguments,
                ],
                stdout=log,
                stderr=log,
            )

    def ready(self, what: str, look: Callable[[], Any], seconds: float = 60) -> None:
        """Wait for `look`, and show the agent's log where it does not come true."""
        try:
            eventually(what, look, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{(self.folder / 'log').read_text()[-3000:]}") from None

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, verb: str, path: str, body: Any = None, *, endless: bool = False) -> Answer:
        """What the agent answers, whatever its status; of an endless answer no text."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=verb, data=data)
        if self.token:
            request.add_header("X-Consul-Token", self.token)
        trusted = ssl.create_default_context(cafile=self.authority) if self.authority else None
        if trusted and self.identity:
            trusted.load_cert_chain(*self.identity)
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS, context=trusted) as answer:
                text = "" if endless else answer.read().decode()
                return Answer(answer.status, dict(answer.headers), text)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())

    def call(self, verb: str, path: str, body: Any = None) -> Any:
        """The agent's answer; None for 404, OSError for every other refusal."""
        answer = self.ask(verb, path, body)
        if answer.status == 404:
            return None
        if answer.status >= 400:
            raise OSError(f"{verb} {path}: status {answer.status}: {answer.text}")
        return json.loads(answer.text) if answer.text.strip() else None

    def get(self, path: str) -> Any:
        """The answer of a GET."""
        return self.call("GET", path)

    def register(self, name: str, identifier: str, **more: Any) -> None:
        """Register a service past the module."""
        self.call("PUT", "/v1/agent/service/register", {"Name": name, "ID": identifier, **more})

    def checks(self) -> dict[str, Any]:
        """All checks of the agent."""
        return dict(self.get("/v1/agent/checks"))

    def catalog(self, name: str) -> set[tuple[str, str]]:
        """Node and identifier of each instance in the catalog."""
        return {
            (entry["Node"], entry["ServiceID"]) for entry in self.get(f"/v1/catalog/service/{name}")
        }

    def forget(self) -> None:
        """Deregister everything but Consul itself."""
        for identifier in self.get("/v1/agent/services"):
            quoted = urllib.parse.quote(identifier)
            self.call("PUT", f"/v1/agent/service/deregister/{quoted}")
