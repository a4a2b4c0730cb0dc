"""The collection's own images for machines that are not the lab: built once, brought everywhere."""

from __future__ import annotations

import json
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from rollcall_agents.polling import eventually

from ..conftest import HOSTS, ROOT, Lab, Recap

REGISTRY = "10.111.152.2:5000"
# Every host runs it, and it has most of what the Dockerfiles install.
BASE = f"{REGISTRY}/rollcall/helloworld:1.0.0"
# The two that cost least to build, each with the variable that names it.
VARIABLES = {
    "docker_socket_proxy": "registrator_socket_proxy_image",
    "helloworld": "helloworld_image",
}
IMAGES = tuple(f"rollcall-test/{name}:1.0.0" for name in VARIABLES)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The sources as they are now: an edit during the tests would rightly be built again."""
    folder = tmp_path_factory.mktemp("sources")
    shutil.copytree(ROOT / "roles" / "images" / "files", folder / "context")
    for name in VARIABLES:
        # A Dockerfile need be no part of its context.
        (folder / "context" / name / "Dockerfile").rename(folder / f"{name}.Dockerfile")
    return folder


def play(lab: Lab, sources: pathlib.Path, *arguments: str, **variables: Any) -> Recap:
    """Run playbooks/images.yml for two images under names of their own."""
    images = [
        {
            "name": f"rollcall-test/{name}:1.0.0",
            "context": str(sources / "context"),
            "include": ["common", name],
            "dockerfile": str(sources / f"{name}.Dockerfile"),
            "args": {"BASE_IMAGE": BASE},
        }
        for name in VARIABLES
    ]
    file = sources / "variables.json"
    named = dict(zip(IMAGES, VARIABLES.values(), strict=True))
    file.write_text(json.dumps({"images_list": images, "images_variables": named, **variables}))
    return lab.play("playbooks/images.yml", "-e", f"@{file}", *arguments)


def identifiers(lab: Lab, host: str, prefix: str = "") -> list[str]:
    """The identifiers of the tested images on a host; none where it lacks one."""
    names = " ".join(prefix + name for name in IMAGES)
    command = f"docker image inspect --format '{{{{.Id}}}}' {names} 2>/dev/null || true"
    return lab.ssh(host, command).split()


def remains(lab: Lab, host: str) -> str:
    """What the role left in its temporary folder on a host."""
    return lab.ssh(host, "find /var/tmp -maxdepth 1 -name 'rollcall-images-*'")


@pytest.fixture(scope="module", autouse=True)
def clean(lab: Lab) -> Iterator[None]:
    """No host holds the tested images before and after; running containers are not touched."""

    def remove() -> None:
        for host in HOSTS:
            names = " ".join([*IMAGES, *(f"{REGISTRY}/built/{name}" for name in IMAGES)])
            lab.ssh(host, f"docker rmi {names} >/dev/null 2>&1 || true")

    remove()
    yield
    remove()


def test_a_dry_run_announces_the_collections_images_and_makes_none(lab: Lab) -> None:
    """--check, all inputs at their defaults, finds the sources of all five and builds nothing."""
    recap = lab.play("playbooks/images.yml", "--check")
    assert (recap.changed, recap.failed) == (dict.fromkeys(HOSTS, 1), 0), recap.output
    own = ("registrator", "helloworld", "nginx-lb", "haproxy-lb", "docker-socket-proxy")
    names = [f"rollcall/{name}:1.0.0" for name in own]
    # Ansible folds long lines.
    output = " ".join(recap.output.split())
    assert f"Would build {', '.join(names)}" in output
    assert f"Would load {', '.join(names)}" in output


def test_digests_without_a_registry_are_refused(lab: Lab, sources: pathlib.Path) -> None:
    """Who wants a file of them reads what is missing, before anything is built."""
    recap = play(lab, sources, images_pins=str(sources / "pins.yml"))
    assert (sum(recap.changed.values()), recap.failed > 0) == (0, True), recap.output
    assert "set images_registry to one that the hosts can pull from" in " ".join(
        recap.output.split()
    )
    assert not identifiers(lab, "host-1")


def test_without_a_registry_every_host_holds_the_same_images(
    lab: Lab, sources: pathlib.Path
) -> None:
    """One host builds, the others are handed its images; nothing stays behind or is done twice."""
    first = play(lab, sources)
    assert (first.changed, first.failed) == (dict.fromkeys(HOSTS, 1), 0), first.output
    held = [identifiers(lab, host) for host in HOSTS]
    assert len(held[0]) == len(IMAGES)
    assert held == [held[0]] * len(HOSTS)
    assert not any(remains(lab, host) for host in HOSTS)
    assert not list(pathlib.Path("/var/tmp").glob("rollcall-images-*"))
    second = play(lab, sources)
    assert (second.changed, second.failed) == (dict.fromkeys(HOSTS, 0), 0), second.output


def test_only_the_host_that_lacks_an_image_is_handed_it(lab: Lab, sources: pathlib.Path) -> None:
    """An image lost on host-3 returns there with the same identifier; the others are left alone."""
    before = identifiers(lab, "host-3")
    lab.ssh("host-3", f"docker rmi {IMAGES[1]}")
    recap = play(lab, sources)
    assert (recap.changed, recap.failed) == ({"host-1": 0, "host-2": 0, "host-3": 1}, 0)
    assert identifiers(lab, "host-3") == before


def test_a_changed_source_makes_only_its_image_anew(lab: Lab, sources: pathlib.Path) -> None:
    """After an edit of the web service every host holds a new image of it, and the old other."""
    before = identifiers(lab, "host-1")
    with (sources / "context/helloworld/src/helloworld.py").open("a") as file:
        file.write("# An edit.\n")
    recap = play(lab, sources)
    assert (recap.changed, recap.failed) == (dict.fromkeys(HOSTS, 1), 0), recap.output
    for host in HOSTS:
        after = identifiers(lab, host)
        assert after[0] == before[0]
        assert after[1] != before[1]
    for host in HOSTS:
        lab.ssh(host, f"docker rmi {before[1]} >/dev/null")


def test_a_handed_over_image_runs(lab: Lab) -> None:
    """The web service's image, on a host that did not build it, starts and knows its own health."""
    run = f"docker run -d --rm --network none -e PORT=8099 {IMAGES[1]}"
    container = lab.ssh("host-2", run).strip()
    look = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8099/health').read())"
    try:
        eventually(
            "its health",
            lambda: "ok" in lab.ssh("host-2", f'docker exec {container} python3 -c "{look}" || :'),
        )
    finally:
        lab.ssh("host-2", f"docker rm -f {container}")


def test_with_a_registry_the_images_are_pushed_there(lab: Lab, sources: pathlib.Path) -> None:
    """The registry lists both and serves them to a host; a second run changes nothing."""
    registry = f"{REGISTRY}/built"
    first = play(lab, sources, images_registry=registry)
    assert not first.failed, first.output
    assert first.changed["host-1"] >= 1
    catalog = json.loads(lab.get(f"http://{REGISTRY}/v2/_catalog?n=1000"))["repositories"]
    assert {f"built/{name.partition(':')[0]}" for name in IMAGES} <= set(catalog)
    for name in IMAGES:
        lab.ssh("host-3", f"docker pull -q {registry}/{name}")
    assert identifiers(lab, "host-3", f"{registry}/") == identifiers(lab, "host-1", f"{registry}/")
    second = play(lab, sources, images_registry=registry)
    assert (second.changed, second.failed) == (dict.fromkeys(HOSTS, 0), 0), second.output


def test_an_image_runs_by_the_digest_that_the_registry_has_for_it(
    lab: Lab, sources: pathlib.Path
) -> None:
    """What was pushed is written down, and the web service's role takes it from there, once."""
    pins = sources / "pins.yml"
    done = play(lab, sources, images_registry=f"{REGISTRY}/built", images_pins=str(pins))
    assert not done.failed, done.output
    named = yaml.safe_load(pins.read_text())
    assert set(named) == set(VARIABLES.values())
    image = named["helloworld_image"]
    assert image.startswith(f"{REGISTRY}/built/rollcall-test/helloworld@sha256:")
    # With all that checks before anything changes, on a host that never had it.
    pinned = ("-e", f"@{pins}", "--limit", "host-3")
    try:
        assert not lab.play("playbooks/preflight.yml", *pinned).failed
        first = lab.play("playbooks/deploy/helloworld.yml", *pinned)
        assert (first.changed["host-3"], first.failed) == (1, 0), first.output
        running = lab.ssh("host-3", "docker inspect -f '{{.Config.Image}}' helloworld-1")
        assert running.strip() == image
        assert not lab.play("playbooks/deploy/helloworld.yml", *pinned).changed["host-3"]
    finally:
        lab.play("playbooks/deploy/helloworld.yml", "--limit", "host-3")
