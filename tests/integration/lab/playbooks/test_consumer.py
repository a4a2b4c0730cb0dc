"""A foreign project, with no more of the artefact than what Ansible asks for, runs on the hosts."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import sys
import urllib.request

import pytest
from ansible_collections.rollcall.discovery.tests.support.profiles import Profile

from ..conftest import HOSTS, ROOT, Eventually, Lab

sys.path.insert(0, str(ROOT / "tests" / "package"))

from artefact import build
from consumer import run, set_up

EMPTIES_HOSTS = True
COUNTER = f"http://{HOSTS['host-2']}"


@pytest.fixture(scope="module", name="lab")
def _open(lab: Lab) -> Lab:
    """The project's own inventory names no profile, whatever the lab's does: it is open."""
    return dataclasses.replace(lab, profile=Profile())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The project, with the artefact in its own collections path."""
    folder = tmp_path_factory.mktemp("consumer")
    return set_up(folder, build(folder))


def play(project: pathlib.Path, *arguments: str) -> int:
    """Run a playbook of the project with the lab's keys; how much it changed."""
    ssh = ROOT / ".lab" / "ssh"
    known = f"-o UserKnownHostsFile={ssh / 'known_hosts'}"
    login = ("--private-key", str(ssh / "id_ed25519"), "--ssh-common-args", known)
    output = run(project, "ansible-playbook", *arguments, *login, seconds=400)
    changed = re.findall(r"^\S+\s+: ok=\d+\s+changed=(\d+)", output, re.M)
    assert changed, output
    return sum(map(int, changed))


def test_single_roles_carry_a_service_of_somebody_else(
    lab: Lab, project: pathlib.Path, eventually: Eventually
) -> None:
    """On hosts that run nothing: quotes from every host, and a second run changes nothing."""
    lab.wipe()
    assert play(project, "quotes.yml") > 0
    eventually(lambda: len(lab.consul("/v1/health/service/quotes?passing")) == len(HOSTS), 60)
    eventually(lambda: len(answering(12)) == len(HOSTS), 60)
    assert play(project, "quotes.yml") == 0


def test_what_it_named_is_named_so(lab: Lab) -> None:
    """Containers, nodes, the datacenter and the balancer in Consul have the project's names."""
    names = set(lab.ssh("host-1", "docker ps --format '{{.Names}}'").split())
    assert names == {"catalogue", "announcer", "quotes"}
    nodes = {(node["Node"], node["Datacenter"]) for node in lab.consul("/v1/catalog/nodes")}
    assert nodes == {(f"catalogue-{name}", "north") for name in ("bergen", "oslo", "tromso")}
    (counter,) = lab.consul("/v1/health/service/counter?passing")
    assert (counter["Service"]["Address"], counter["Service"]["Port"]) == (HOSTS["host-2"], 8080)


def test_the_whole_stack_runs_by_its_full_name(
    lab: Lab, project: pathlib.Path, eventually: Eventually
) -> None:
    """The web service beside the quotes, on the two machines that are no counter."""
    arguments = ("rollcall.discovery.site", "-e", "@groups.yml")
    play(project, *arguments)
    eventually(lambda: len(lab.passing()) == 2 and lab.passing() == lab.containers(), 60)
    eventually(lambda: "Hello World! I'm" in lab.get(f"{COUNTER}/"), 60)
    assert play(project, *arguments) == 0


def test_the_images_are_made_of_what_is_installed(project: pathlib.Path) -> None:
    """Every source is found: the prediction needs them all, and takes no build's time."""
    arguments = ("rollcall.discovery.images", "-e", "@groups.yml", "--check")
    assert play(project, *arguments, "-e", "images_rebuild=true") > 0


def test_a_drill_and_the_status_run_by_their_full_names(
    project: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """The drill's program and the status's own files are part of their roles."""
    groups = ("-e", "@groups.yml")
    drill = ("-e", "drill_confirm=yes", "-e", "drill_calm=1", "-e", f"drill_directory={tmp_path}")
    play(project, "rollcall.discovery.drills.services.web_stop", *groups, *drill)
    assert list(tmp_path.glob("web_stop/*/report.html"))
    play(project, "rollcall.discovery.status", *groups)


def answering(requests: int) -> set[str]:
    """Which instances of the quotes answered so many requests at the counter."""
    found = set()
    for _ in range(requests):
        with urllib.request.urlopen(f"{COUNTER}:8080/", timeout=5) as answer:
            found.add(answer.headers["X-Backend"])
    return found
