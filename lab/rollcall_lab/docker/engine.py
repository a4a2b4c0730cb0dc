"""The outer Docker Engine: the one that runs, else one that is installed and started here."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

from ..progress import LabError, echo, output, run, step, wait_until
from ..settings import STATE

# Named apart from the lab's state: only an engine that the lab started itself has this file.
_PID = STATE / "dockerd.pid"
# What the engine changes on the machine and does not put back when it ends.
_BEFORE = STATE / "before-dockerd.json"
_FORWARDING = pathlib.Path("/proc/sys/net/ipv4/ip_forward")
_DATA = "/var/lib/docker"
# The processor weight of all containers together, of cgroup v1 and v2, and its default.
_WEIGHTS = {
    pathlib.Path("/sys/fs/cgroup/cpu/docker/cpu.shares"): 1024,
    pathlib.Path("/sys/fs/cgroup/docker/cpu.weight"): 100,
}
_NO_ENGINE = (
    "Install Docker (https://docs.docker.com/engine/install/), start it and run lab/up again"
)


def answers() -> bool:
    """Whether an engine answers the Docker client."""
    return output(["docker", "info", "--format", "{{.ServerVersion}}"], timeout=20) is not None


def inspect(kind: str, name: str, template: str) -> str | None:
    """What the engine tells of an image, a container, ...; None where there is none."""
    found = output(["docker", kind, "inspect", "--format", template, name])
    return found.strip() if found is not None else None


def label(kind: str, name: str, key: str) -> str | None:
    """The value of a label, "" for a thing without it, None where there is no such thing."""
    return inspect(kind, name, f'{{{{index .Config.Labels "{key}"}}}}')


def exists(kind: str, name: str) -> bool:
    """Whether the engine has a thing of this kind and name."""
    return output(["docker", kind, "inspect", name]) is not None


def ensure() -> None:
    """Leave with an engine that answers; as root on Debian, install and start one."""
    if answers():
        return
    if os.geteuid() != 0:
        raise LabError("no Docker Engine answers, and installing one needs root", _NO_ENGINE)
    if not (shutil.which("dockerd") and shutil.which("docker")):
        _install()
    with step("Starting the Docker Engine"):
        if pathlib.Path("/run/systemd/system").is_dir():
            run(["systemctl", "start", "docker"], remedy="See: journalctl -u docker")
        else:
            _start_dockerd()
        wait_until(
            answers, seconds=60, what="dockerd does not answer", remedy=f"Read {STATE}/dockerd.log"
        )


def install_packages(*packages: str) -> None:
    """Install Debian packages that are missing; LabError where this is not Debian."""
    missing = [name for name in packages if output(["dpkg", "-s", name]) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        names = " ".join(missing)
        raise LabError(f"{names}: not installed, and apt-get as root is not available", _NO_ENGINE)
    with step(f"Installing {' '.join(missing)}"):
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        remedy = "Repair apt-get (network, sources) and run lab/up again"
        # A half-made index of some foreign source must not stop a package that Debian has.
        with contextlib.suppress(LabError):
            run(["apt-get", "update"], remedy=remedy, env=environment)
        run(
            ["apt-get", "install", "-y", "--no-install-recommends", *missing],
            remedy=remedy,
            env=environment,
        )


def _install() -> None:
    """Install the distribution's engine; Debian 13 keeps the client in a package of its own."""
    install_packages("docker.io", "iptables")
    if shutil.which("docker") is None:
        install_packages("docker-cli")


def _start_dockerd() -> None:
    """Start dockerd detached from this terminal and remember its process id."""
    STATE.mkdir(exist_ok=True)
    # An engine that died has left its own changes on the machine: they are not what was before.
    if not _BEFORE.exists():
        before = {"forwarding": _FORWARDING.read_text(), "policy": _policy(), "mounted": _mounted()}
        _BEFORE.write_text(json.dumps(before) + "\n")
    with (STATE / "dockerd.log").open("ab") as log:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _PID.write_text(f"{process.pid}\n")


def raise_cpu_weight() -> None:
    """Give the containers of an engine that the lab started ten times the usual processor weight.

    The kernel shares the processors among groups of processes, and all containers are one group.
    A host whose turn comes late looks dead to its peers, and slow to users.
    """
    if _PID.exists():
        _set_cpu_weight(10)


def _set_cpu_weight(factor: int) -> None:
    """Set the weight of all containers to so many times the kernel's default."""
    for path, default in _WEIGHTS.items():
        if path.exists():
            path.write_text(f"{default * factor}\n")


def stop_own() -> None:
    """Stop the engine if the lab started it, with the bridge it leaves behind."""
    try:
        pid = int(_PID.read_text())
    except FileNotFoundError:
        return
    with step("Stopping the Docker Engine that the lab started"):
        if _is_dockerd(pid):
            os.kill(pid, signal.SIGTERM)
            wait_until(
                lambda: not _is_dockerd(pid),
                seconds=60,
                what=f"dockerd (process {pid}) does not stop",
                remedy=f"Read {STATE}/dockerd.log, then: kill -9 {pid}",
            )
        _PID.unlink(missing_ok=True)
        _set_cpu_weight(1)
        _restore_network()
    echo("  The engine's image store stays as a cache; `lab/down --purge` empties it first.")


def _policy() -> str:
    """What the firewall does with forwarded packets, "" where there is no firewall to ask."""
    found = re.search(r"^:FORWARD (\w+)", output(["iptables-save"]) or "", re.MULTILINE)
    return found[1] if found else ""


def _mounted() -> bool:
    """Whether the engine's folder is a mount of its own."""
    return os.path.ismount(_DATA)


def _restore_network() -> None:
    """Remove the bridge, mounts and firewall rules that a stopped dockerd leaves behind."""
    if pathlib.Path("/sys/class/net/docker0").exists():
        output(["ip", "link", "delete", "docker0"])
    namespaces = pathlib.Path("/run/docker/netns")
    for namespace in namespaces.glob("*") if namespaces.is_dir() else ():
        output(["umount", str(namespace)])
    rules = output(["iptables-save"])
    if rules is not None:
        kept = [line for line in rules.splitlines() if not re.search("DOCKER|docker0", line)]
        text = "\n".join(kept) + "\n"
        subprocess.run(["iptables-restore"], input=text, text=True, check=False, timeout=20)
    with contextlib.suppress(FileNotFoundError):
        before = json.loads(_BEFORE.read_text())
        if before["policy"]:
            output(["iptables", "-P", "FORWARD", before["policy"]])
        _FORWARDING.write_text(before["forwarding"])
        if _mounted() and not before["mounted"]:
            output(["umount", _DATA])
        _BEFORE.unlink()


def _is_dockerd(pid: int) -> bool:
    """Whether this process id still is a dockerd: ids are reused."""
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return "(dockerd)" in status and ") Z " not in status
