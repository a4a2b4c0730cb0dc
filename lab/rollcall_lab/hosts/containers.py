"""The containers inside a lab host: which ran before it was stopped, and how they run again."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import tempfile

from ..docker import engine
from ..progress import output, run, wait_until

# Inside the host, so that every checkout finds it. On no tmpfs: it outlives a stop.
_RECORD = "/var/lib/rollcall-set-aside.json"
_RUNNING = ("running", "restarting", "paused")


@dataclasses.dataclass(frozen=True)
class Record:
    """A host as it was: its state, its containers' states by name, and the process that asked.

    No containers are known where no engine answered.
    """

    state: str
    containers: dict[str, str] | None
    process: int
    process_started: int


def containers(host: str) -> dict[str, str] | None:
    """The state of each container of the host by its name; None where no engine answers."""
    template = "{{.Names}}\t{{.State}}"
    listed = output(["docker", "exec", host, "docker", "ps", "-a", "--format", template])
    return None if listed is None else dict(line.split("\t") for line in listed.splitlines())


def remember(host: str, process: int, process_started: int) -> None:
    """Write into the host what runs on it; a paused one is continued, to be stopped in order."""
    state = engine.inspect("container", host, "{{.State.Status}}") or ""
    if state == "paused":
        run(["docker", "unpause", host], remedy=f"docker inspect {host}")
    inside = containers(host) if state in _RUNNING else None
    record = Record(state, inside, process, process_started)
    with tempfile.TemporaryDirectory(prefix="rollcall-") as scratch:
        file = pathlib.Path(scratch) / "record.json"
        file.write_text(json.dumps(dataclasses.asdict(record)) + "\n")
        run(["docker", "cp", str(file), f"{host}:{_RECORD}"], remedy=f"docker inspect {host}")


def record(host: str) -> Record | None:
    """What `remember` wrote into the host, None without it."""
    with tempfile.TemporaryDirectory(prefix="rollcall-") as scratch:
        file = pathlib.Path(scratch) / "record.json"
        if output(["docker", "cp", f"{host}:{_RECORD}", str(file)]) is None:
            return None
        return Record(**json.loads(file.read_text()))


def resume(host: str) -> list[str]:
    """Start the host if it ran, with the containers that ran; returns those that do not run."""
    before = record(host)
    if before is None or before.state not in _RUNNING:
        return []
    run(["docker", "start", host], remedy=f"Read: docker logs {host}")
    lost: list[str] = []
    if before.containers is not None:
        wait_until(
            lambda: _ready(host),
            seconds=120,
            what=f"{host} does not come up",
            remedy=f"Look: docker exec {host} systemctl --failed; journalctl -u docker",
        )
        lost = _restore(host, before.containers)
    if before.state == "paused":
        run(["docker", "pause", host], remedy=f"docker inspect {host}")
    return lost


def forget(host: str) -> None:
    """Remove what `remember` wrote; in a stopped host it stays until it is written again."""
    output(["docker", "exec", host, "rm", "-f", _RECORD])


def _ready(host: str) -> bool:
    """Whether the host's engine answers and its SSH server runs."""
    ssh = output(["docker", "exec", host, "systemctl", "is-active", "ssh"])
    return ssh is not None and containers(host) is not None


def _restore(host: str, before: dict[str, str]) -> list[str]:
    """Start, pause and stop containers until each is as before; returns those that do not run."""
    now = containers(host) or {}
    ran = [name for name, state in before.items() if state in _RUNNING]
    # The engine has started those with a restart policy, and with `always` what was stopped too.
    plan = {
        "start": [name for name in ran if now.get(name) not in _RUNNING],
        "pause": [name for name in ran if before[name] == "paused"],
        "stop": [name for name in before if name not in ran and now.get(name) in _RUNNING],
    }
    for verb, names in plan.items():
        if names:
            output(["docker", "exec", host, "docker", verb, *names])
    now = containers(host) or {}
    return [name for name in ran if now.get(name) not in _RUNNING]
