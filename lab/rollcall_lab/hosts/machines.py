"""The lab's hosts: containers that behave like machines, with systemd, sshd and an engine each."""

from __future__ import annotations

import concurrent.futures
import hashlib
import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from ..docker import engine
from ..docker.images import host_image
from ..progress import LabError, output, run, step, wait_until
from ..settings import LABEL, NETWORK, REGISTRY_ADDRESS, REGISTRY_PORT, STATE, SUBNET, Host

T = TypeVar("T")
# Ends the name of a host that is set aside.
ASIDE = ".set-aside"
SSH = STATE / "ssh"
_CONFIG = SSH / "config"
_SSH = ("ssh", "-F", str(_CONFIG))
_KEY = SSH / "id_ed25519"
_KEY_LABEL = f"{LABEL}.key"
_CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
# `--privileged` asks for CAP_SYS_RESOURCE, which a sandboxed machine may not have to give; this
# is what an inner systemd and dockerd need.
_PRIVILEGES = (
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--security-opt", "systempaths=unconfined", "--device-cgroup-rule", "a *:* rwm"),
    *("--cgroupns", "private", "--tmpfs", "/run:exec", "--tmpfs", "/tmp"),
)


def network() -> None:
    """Create the lab's network; LabError when its addresses belong to another one."""
    if engine.exists("network", NETWORK):
        return
    command = ["docker", "network", "create", "--label", LABEL, "--subnet", str(SUBNET)]
    run(
        [*command, NETWORK],
        remedy=f"Another network uses {SUBNET}: remove it (docker network ls) and run lab/up again",
    )


def ensure(hosts: tuple[Host, ...]) -> None:
    """Leave with every host up: reachable by SSH, its engine answering."""
    _key_pair(_KEY)
    states = {host: engine.inspect("container", host.name, "{{.State.Status}}") for host in hosts}
    missing = [host for host, state in states.items() if state is None]
    stopped = [host for host, state in states.items() if state not in (None, "running")]
    for host in hosts:
        _refuse_other_engine(host)
    if missing or stopped:
        with step(f"Starting {', '.join(host.name for host in (*missing, *stopped))}"):
            for host in missing:
                _create(host)
            for host in (*missing, *stopped):
                run(["docker", "start", host.name], remedy=f"Read: docker logs {host.name}")
    engine.raise_cpu_weight()
    _client_settings(hosts)
    in_parallel(_wait_for, hosts)


def own() -> list[str]:
    """The hosts that this checkout made: those with its key."""
    digest = _key_digest()
    if digest is None:
        return []
    return [name for name in existing() if engine.label("container", name, _KEY_LABEL) == digest]


def foreign() -> list[str]:
    """The hosts that stand and are another checkout's: their keys are not here."""
    ours = own()
    return [name for name in existing() if name not in ours]


def refuse(names: list[str]) -> NoReturn:
    """LabError for another checkout's hosts; two labs never run side by side."""
    raise LabError(
        f"{', '.join(names)}: made by another checkout, or before .lab was deleted here",
        "Run lab/down there, or lab/up --replace here: it removes them with all that runs on them",
    )


def pull_again(hosts: tuple[Host, ...], images: list[str]) -> None:
    """Bring images to the hosts that have an older one under the same name.

    The roles pull what is missing: a tag that moved would stay what it was.
    """

    def one(host: Host) -> None:
        for image in images:
            name = f"{REGISTRY_ADDRESS}:{REGISTRY_PORT}/{image}"
            if ssh(host, "docker", "image", "inspect", "-f", "{{.Id}}", name) is not None:
                ssh(host, "docker", "pull", "-q", name, timeout=300)

    if images:
        in_parallel(one, hosts)


def surplus(hosts: tuple[Host, ...]) -> list[str]:
    """The lab's host containers that are not among `hosts`."""
    wanted = {host.name for host in hosts}
    return [name for name in existing() if name not in wanted]


def has_containers(name: str) -> bool:
    """Whether a host has containers of its own, running or not; one that cannot tell counts."""
    return output(["docker", "exec", name, "docker", "ps", "-aq"]) != ""


def existing() -> list[str]:
    """The names of the hosts of every checkout, without those that are set aside."""
    return sorted(name for name in listed("{{.Names}}") if re.fullmatch(r"host-\d", name))


def aside() -> list[str]:
    """The names of the hosts that are set aside."""
    return sorted(name for name in listed("{{.Names}}") if name.endswith(ASIDE))


def listed(template: str) -> list[str]:
    """What Docker's list tells of every container that the lab made, a line each."""
    command = ["docker", "ps", "-a", "--filter", f"label={LABEL}", "--format", template]
    return (output(command) or "").splitlines()


def remove(names: list[str]) -> None:
    """Remove containers with their anonymous volumes."""
    if names:
        run(["docker", "rm", "-f", "-v", *names], remedy="Read the message; then lab/down again")


def close_connections(hosts: tuple[Host, ...]) -> None:
    """End the connections that SSH keeps open for the next command."""
    for host in hosts:
        output([*_SSH, "-O", "exit", host.name])


def ssh(host: Host, *command: str, timeout: float = 30.0) -> str | None:
    """Standard output of a command on the host, None when it fails.

    OpenSSH hands one string to the remote shell: the words are quoted for it.
    """
    return output([*_SSH, host.name, shlex.join(command)], timeout=timeout)


def in_parallel(work: Callable[[T], None], items: Sequence[T]) -> None:
    """Work on all items at once; the first error is raised after every one has ended."""
    with concurrent.futures.ThreadPoolExecutor(max(len(items), 1)) as pool:
        begun = [pool.submit(work, item) for item in items]
    # Not pool.map: at the first error it calls off what no thread has taken up yet.
    for each in begun:
        each.result()


def _key_digest() -> str | None:
    """Names this checkout's key pair, which a host has as a label; None without a key pair."""
    public = _KEY.with_suffix(".pub")
    return hashlib.sha256(public.read_bytes()).hexdigest()[:16] if public.exists() else None


def _refuse_other_engine(host: Host) -> None:
    """LabError when the host runs with another engine than asked for: it would have to be lost."""
    found = engine.label("container", host.name, LABEL)
    if found is not None and found != host.engine:
        raise LabError(
            f"{host.name} has the engine of {found or 'somebody else'}, not {host.engine}",
            "Run lab/down first: another engine means a new host",
        )


def _key_pair(path: pathlib.Path) -> None:
    """Make an SSH key pair unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rollcall-lab"]
        run([*command, "-f", str(path)], remedy="Install openssh-client")


def _host_key(host: Host) -> pathlib.Path:
    """Where the host's own SSH key lies: it survives the host, so known_hosts stays true."""
    return SSH / f"{host.name}_ed25519"


def _create(host: Host) -> None:
    """Create the host container and put its identity inside before it boots."""
    _key_pair(_host_key(host))
    command = ["docker", "create", "--name", host.name, "--hostname", host.name]
    command += ["--label", f"{LABEL}={host.engine}", "--label", f"{_KEY_LABEL}={_key_digest()}"]
    command += ["--network", NETWORK, "--ip", host.address]
    command += [*_PRIVILEGES, "-v", "/var/lib/docker"]
    if host.engine != "bookworm" and _cgroup_v1():
        # systemd 257 refuses cgroup v1 unless it is told twice.
        flags = "systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"
        command += ["-e", f"SYSTEMD_PROC_CMDLINE={flags}"]
    run([*command, host_image(host.engine)], remedy="Read the message and run lab/up again")
    subprocess.run(
        ["docker", "cp", "-", f"{host.name}:/"], input=_identity(host), check=True, timeout=60
    )


def _identity(host: Host) -> bytes:
    """A tar archive with the host's keys, engine settings and the certificates it should trust."""
    files = {
        "root/.ssh/authorized_keys": (_KEY.with_suffix(".pub").read_bytes(), 0o600),
        "etc/ssh/ssh_host_ed25519_key": (_host_key(host).read_bytes(), 0o600),
        "etc/docker/daemon.json": (json.dumps(_engine_settings(), indent=2).encode(), 0o644),
    }
    bundle = next((os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), None)
    if bundle and pathlib.Path(bundle).is_file():
        trusted = "etc/ssl/certs/rollcall-lab.pem"
        files[trusted] = (pathlib.Path(bundle).read_bytes(), 0o644)
        files["etc/pip.conf"] = (f"[global]\ncert = /{trusted}\n".encode(), 0o644)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, (content, mode) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def _engine_settings() -> dict[str, object]:
    """The inner daemon.json: the lab's registry, and name servers that answer from inside."""
    settings: dict[str, object] = {
        "insecure-registries": [f"{REGISTRY_ADDRESS}:{REGISTRY_PORT}"],
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "max-file": "2"},
    }
    lines = pathlib.Path("/etc/resolv.conf").read_text().splitlines()
    servers = [line.split()[1] for line in lines if line.startswith("nameserver ")]
    outside = [server for server in servers if not server.startswith("127.")]
    if outside:
        settings["dns"] = outside
    return settings


def _cgroup_v1() -> bool:
    """Whether this machine still has cgroup v1's controllers mounted."""
    return not pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists()


def _client_settings(hosts: tuple[Host, ...]) -> None:
    """Write the known hosts, and a configuration with which `ssh -F` knows the hosts by name."""
    known = SSH / "known_hosts"
    lines = [f"Host {' '.join(host.name for host in hosts)}", "  User root", "  BatchMode yes"]
    lines += [f"  IdentityFile {_KEY}", f"  UserKnownHostsFile {known}", "  LogLevel ERROR"]
    lines += ["  ConnectTimeout 3", "  ControlMaster auto", "  ControlPersist 60"]
    # A socket's path may have 108 bytes, and a checkout's own may be long: hence not below it.
    lines += ["  ControlPath ~/.ssh/rollcall-%C"]
    (pathlib.Path.home() / ".ssh").mkdir(mode=0o700, exist_ok=True)
    for host in hosts:
        lines += [f"Host {host.name}", f"  HostName {host.address}"]
    _CONFIG.write_text("\n".join(lines) + "\n")
    keys = []
    for host in hosts:
        kind, key, *_ = _host_key(host).with_suffix(".pub").read_text().split()
        keys.append(f"{host.address} {kind} {key}\n")
    known.write_text("".join(keys))


def _wait_for(host: Host) -> None:
    """Wait until the host's engine answers through SSH."""
    # Not `docker info --format ok`: for a template that names nothing of the server's, the client
    # of Docker 23 and later does not ask the server.
    command = ("docker", "version", "--format", "{{.Server.Version}}")
    wait_until(
        lambda: ssh(host, *command, timeout=10) is not None,
        seconds=120,
        what=f"{host.name} ({host.address}) does not come up",
        remedy=f"Look: docker exec {host.name} systemctl --failed; journalctl -u docker",
    )
