"""What `lab/up`, `lab/down` and `lab/status` do, step by step."""

from __future__ import annotations

import os
import shutil
import sys
import time

from . import engine, environment, hosts, images, inventory
from .progress import LabError, main, output, run, say, step
from .settings import (
    LABEL,
    NETWORK,
    REGISTRY_ADDRESS,
    REGISTRY_NAME,
    REGISTRY_PORT,
    ROOT,
    STATE,
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
    unknown = set(sys.argv[1:]) - {"--purge"}
    if unknown:
        say(f"lab/down: unknown option {' '.join(sorted(unknown))}; there is only --purge")
        return 2
    return main(lambda: _down(purge="--purge" in sys.argv))


def status() -> int:
    """Say what runs; exits 1 when the lab is not up."""
    return main(_status)


def _up(settings: Settings) -> None:
    started = time.monotonic()
    venv = environment.ensure(ROOT, dev=False)
    if settings.only_environment:
        say("Ready: . .venv/bin/activate")
        return
    engine.ensure()
    images.ensure(settings.hosts)
    hosts.forget_foreign()
    hosts.network()
    images.start_registry()
    pushed = images.fill_registry()
    _shrink(settings)
    hosts.ensure(settings.hosts)
    hosts.pull_again(settings.hosts, pushed)
    settings.save()
    if settings.provision:
        with step(f"ansible-playbook site.yml -i {settings.inventory.relative_to(ROOT)}"):
            run(
                ["ansible-playbook", str(ROOT / "site.yml"), *inventory.arguments(settings)],
                cwd=ROOT,
                env={**environment.activated(venv), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
                show=True,
                remedy="Mend what the failed task names; lab/up goes on from there",
            )
    first = settings.hosts[0].address
    say(f"\nThe lab is up ({time.monotonic() - started:.0f} s).")
    if settings.provision:
        say(f"  the page:    http://{first}/")
        closed = os.environ.get("ROLLCALL_PROFILE") == "secure"
        agent = f"https://{first}:8501" if closed else f"http://{first}:8500"
        say(f"  Consul's UI: {agent}/ui")
    say("  next: . .venv/bin/activate; lab/status; lab/down removes everything")


def _shrink(settings: Settings) -> None:
    """Remove the hosts that are too many, unless something runs on them."""
    gone = hosts.surplus(settings.hosts)
    lost = [name for name in gone if hosts.busy(name)]
    if lost:
        raise LabError(
            f"{', '.join(lost)} would be lost with --hosts {len(settings.hosts)}",
            "Empty them with playbooks/remove_host.yml, or run lab/down, or keep their number",
        )
    if gone:
        with step(f"Removing {', '.join(gone)}, which run nothing"):
            hosts.remove(gone)


def _down(*, purge: bool) -> None:
    settings = saved()
    if settings is not None:
        hosts.hang_up(settings.hosts)
    if engine.answers():
        names = hosts.containers()
        with step("Removing hosts, registry, network and volume"):
            hosts.remove(names)
            if engine.exists("network", NETWORK):
                run(
                    ["docker", "network", "rm", NETWORK], remedy="docker network inspect " + NETWORK
                )
            if engine.exists("volume", REGISTRY_NAME):
                run(["docker", "volume", "rm", REGISTRY_NAME], remedy="docker volume ls")
        if purge:
            _purge()
    engine.stop_own()
    for name in ("ssh", "inventory"):
        shutil.rmtree(STATE / name, ignore_errors=True)
    # What site.yml made for these hosts, where they were closed.
    shutil.rmtree(ROOT / "inventories" / "lab" / ".secrets", ignore_errors=True)
    (STATE / "settings.json").unlink(missing_ok=True)
    say("Nothing of the lab runs any more.")


def _purge() -> None:
    """Remove the images that the lab built, known by their label."""
    command = ["docker", "images", "-q", "--filter", f"label={LABEL}.content"]
    found = sorted(set((output(command) or "").split()))
    if found:
        with step(f"Removing {len(found)} images that the lab built"):
            run(["docker", "rmi", "-f", *found], remedy="docker images")


def _status() -> None:
    settings = saved()
    if settings is None or not engine.answers():
        raise LabError("the lab is not up", "Start it with lab/up")
    states = dict(line.split("\t") for line in hosts.listed("{{.Names}}\t{{.Status}}"))
    rows = [("MACHINE", "ADDRESS", "ENGINE", "STATE", "CONTAINERS")]
    for host in settings.hosts:
        version = hosts.ssh(host, "docker", "info", "--format", "{{.ServerVersion}}")
        inner = hosts.ssh(host, "docker", "ps", "--format", "{{.Names}}")
        containers = " ".join(sorted(inner.split())) if inner is not None else "?"
        state = states.get(host.name, "missing")
        rows.append((host.name, host.address, (version or "?").strip(), state, containers))
    state = states.get(REGISTRY_NAME, "missing")
    rows.append((REGISTRY_NAME, f"{REGISTRY_ADDRESS}:{REGISTRY_PORT}", "-", state, "-"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        say("  ".join([*cells, row[4]]))
