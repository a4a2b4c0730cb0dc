"""What `lab/up`, `lab/down` and `lab/status` do, step by step."""

from __future__ import annotations

import argparse
import os
import sys
import time

from . import environment, set_aside
from .docker import engine, images
from .files import inventory, state
from .files.locking import exclusive
from .hosts import machines
from .progress import LabError, echo, main, output, run, step
from .settings import (
    LABEL,
    NETWORK,
    REGISTRY_ADDRESS,
    REGISTRY_NAME,
    REGISTRY_PORT,
    ROOT,
    Settings,
    parse,
    saved,
)


def up() -> int:
    """From a fresh machine to the running stack; a second call changes nothing."""
    settings = parse(sys.argv[1:], saved())
    return main(lambda: _up(settings))


def down() -> int:
    """Remove everything the lab made; `--purge` empties the lab's image store too."""
    parser = argparse.ArgumentParser(
        prog="lab/down", description="Remove everything that lab/up started in this checkout."
    )
    parser.add_argument("--purge", action="store_true", help="remove the lab's images too")
    parser.add_argument(
        "--others",
        action="store_true",
        help="remove the hosts that another checkout made too, and all that runs on them",
    )
    options = parser.parse_args(sys.argv[1:])

    def locked_down() -> None:
        with exclusive():
            _down(purge=options.purge, others=options.others)

    return main(locked_down)


def status() -> int:
    """Say what runs; exits 1 when the lab is not up."""
    argparse.ArgumentParser(
        prog="lab/status", description="Say what runs; exit status 1 when the lab is not up."
    ).parse_args(sys.argv[1:])
    return main(_status)


def _up(settings: Settings) -> None:
    started = time.monotonic()
    venv = environment.ensure(ROOT, dev=False)
    if settings.only_environment:
        echo("Ready: . .venv/bin/activate")
        return
    with exclusive():
        engine.ensure()
        if settings.only_images:
            images.ensure(settings.hosts)
            return
        if set_aside.is_left_behind():
            _remove_foreign_hosts(replace=settings.replace)
            set_aside.bring_back()
            echo("\nThe lab is as it was before the test suite, which was killed, set it aside.")
            echo("  next: lab/status; lab/up again for anything else")
            return
        _remove_foreign_hosts(replace=settings.replace)
        _start(settings)
    if settings.provision:
        with step(f"ansible-playbook site.yml -i {settings.inventory.relative_to(ROOT)}"):
            run(
                ["ansible-playbook", str(ROOT / "site.yml"), *inventory.arguments(settings)],
                cwd=ROOT,
                env={**environment.activated(venv), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
                show=True,
                remedy="Fix what the failed task reports; lab/up continues from there",
            )
    first = settings.hosts[0].address
    echo(f"\nThe lab is up ({time.monotonic() - started:.0f} s).")
    if settings.provision:
        echo(f"  the page:    http://{first}/")
        secure = os.environ.get("ROLLCALL_PROFILE") == "secure"
        agent = f"https://{first}:8501" if secure else f"http://{first}:8500"
        echo(f"  Consul's UI: {agent}/ui")
    echo("  next: . .venv/bin/activate; lab/status; lab/down removes everything")


def _start(settings: Settings) -> None:
    """Have the hosts up, with every image in the registry from which they pull."""
    images.ensure(settings.hosts)
    machines.network()
    images.start_registry()
    pushed = images.fill_registry()
    _remove_surplus_hosts(settings)
    machines.ensure(settings.hosts)
    machines.pull_again(settings.hosts, pushed)
    settings.save()


def _remove_foreign_hosts(*, replace: bool) -> None:
    """Remove another checkout's hosts, if asked to: they use the lab's addresses."""
    names = machines.foreign()
    if names and not replace:
        machines.refuse(names)
    if names:
        with step(f"Removing {', '.join(names)}: made by another checkout"):
            machines.remove(names)


def _remove_surplus_hosts(settings: Settings) -> None:
    """Remove the hosts that are too many, unless something runs on them."""
    gone = machines.surplus(settings.hosts)
    lost = [name for name in gone if machines.has_containers(name)]
    if lost:
        raise LabError(
            f"{', '.join(lost)} would be lost with --hosts {len(settings.hosts)}",
            "Empty them with playbooks/remove_host.yml, or run lab/down, or keep their number",
        )
    if gone:
        with step(f"Removing {', '.join(gone)}, which run nothing"):
            machines.remove(gone)


def _down(*, purge: bool, others: bool) -> None:
    running = engine.answers()
    if running:
        set_aside.refuse_left_behind()
    settings = saved()
    if settings is not None:
        machines.close_connections(settings.hosts)
    kept: list[str] = []
    if running:
        gone = machines.existing() if others else machines.own()
        if gone:
            with step(f"Removing {', '.join(gone)}"):
                machines.remove(gone)
        kept = [*machines.existing(), *machines.aside()]
    state.remove()
    if kept:
        echo(f"This lab is removed. Hosts of another checkout remain: {', '.join(kept)}.")
        if machines.existing():
            echo("  lab/down --others removes them too")
        return
    if running:
        _remove_shared(purge=purge)
    engine.stop_own()
    echo("Nothing of the lab runs any more.")


def _remove_shared(*, purge: bool) -> None:
    """Remove what every lab on this machine uses."""
    with step("Removing the registry, the network and the volume"):
        if engine.exists("container", REGISTRY_NAME):
            machines.remove([REGISTRY_NAME])
        if engine.exists("network", NETWORK):
            run(["docker", "network", "rm", NETWORK], remedy="docker network inspect " + NETWORK)
        if engine.exists("volume", REGISTRY_NAME):
            run(["docker", "volume", "rm", REGISTRY_NAME], remedy="docker volume ls")
    if purge:
        _purge()


def _purge() -> None:
    """Remove the images that the lab built, known by their label."""
    command = ["docker", "images", "-q", "--filter", f"label={LABEL}.content"]
    found = sorted(set((output(command) or "").split()))
    if found:
        with step(f"Removing {len(found)} images that the lab built"):
            run(["docker", "rmi", "-f", *found], remedy="docker images")


def _status() -> None:
    settings = saved()
    running = engine.answers()
    if running:
        set_aside.refuse_left_behind()
    if settings is None or not running:
        raise LabError("the lab is not up", "Start it with lab/up")
    states = dict(line.split("\t") for line in machines.listed("{{.Names}}\t{{.Status}}"))
    rows = [("MACHINE", "ADDRESS", "ENGINE", "STATE", "CONTAINERS")]
    for host in settings.hosts:
        version = machines.ssh(host, "docker", "info", "--format", "{{.ServerVersion}}")
        inner = machines.ssh(host, "docker", "ps", "--format", "{{.Names}}")
        containers = " ".join(sorted(inner.split())) if inner is not None else "?"
        state = states.get(host.name, "missing")
        rows.append((host.name, host.address, (version or "?").strip(), state, containers))
    state = states.get(REGISTRY_NAME, "missing")
    rows.append((REGISTRY_NAME, f"{REGISTRY_ADDRESS}:{REGISTRY_PORT}", "-", state, "-"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        echo("  ".join([*cells, row[4]]))
