"""What ships is what users need, and the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import pathlib
import random
import re
import shutil
import subprocess
import tarfile

import pytest
from artefact import build, epoch, normalised
from consumer import install, run
from shipment import ROOT, known

PRESENT = {
    *("CHANGELOG.rst", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "requirements.yml"),
    *("changelogs", "docs", "inventories", "meta", "playbooks", "plugins", "roles"),
}
# Room for half as much again. A cache or a lab in it would be a multiple.
MOST_PACKED, MOST_UNPACKED = 750_000, 3_500_000

# A play and a note of their own, which nobody but git tells from ours.
OWN = {"shop.yml", "notes/rooms.yml"}
THEIRS = {
    *OWN,
    *("topology.svg", "rollcall-discovery-0.9.0.tar.gz"),
    *(".drills/20260101/report.html", ".lab/settings.json", ".molecule/state.yml", ".idea/x.xml"),
    *("inventories/mine/.secrets/ca.key", "inventories/mine/group_vars/all/rollcall.yml"),
    *("inventories/eleven/hosts.yml", "inventories/example2/hosts.yml"),
}

Files = dict[str, tarfile.TarInfo]


def test_it_holds_what_users_need_and_nothing_else(files: Files) -> None:
    """No lab, no tests, no scenarios, no settings of a checkout."""
    assert {name.partition("/")[0] for name in files} == PRESENT


@pytest.mark.parametrize(
    "name",
    [
        "changelogs/changelog.yaml",
        "inventories/example/hosts.yml",
        "meta/execution-environment.yml",
        "meta/runtime.yml",
        "playbooks/drills/consul/leader_kill.yml",
        "playbooks/site.yml",
        "plugins/inventory/consul.py",
        "roles/drill/files/drill.py",
        "roles/drill/tasks/main.yml",
        "roles/images/files/nginx_lb/Dockerfile",
        "roles/images/files/registrator/src/registrator/sync/loop.py",
    ],
)
def test_each_part_that_another_one_uses_is_there(files: Files, name: str) -> None:
    """The role images builds from sources, the role drill runs a program."""
    assert name in files


def test_nothing_that_tools_leave_behind_is_there(files: Files) -> None:
    """No cache, no test, no fragment, no file that begins with a dot, no symbolic link."""
    left = re.compile(r"(^|/)(\.|__pycache__|tests?/|fragments/)|\.(pyc|retry|tar\.gz)$")
    assert [name for name, member in files.items() if left.search(name) or member.issym()] == []


def test_of_the_inventories_only_the_example_is_there(files: Files) -> None:
    """The others describe a lab that does not ship."""
    shipped = {name.split("/")[1] for name in files if name.startswith("inventories/")}
    assert shipped == {"example"}


def test_it_is_small(artefact: pathlib.Path, files: Files) -> None:
    """A cache that slips in is noticed by its size."""
    assert artefact.stat().st_size < MOST_PACKED
    assert sum(member.size for member in files.values()) < MOST_UNPACKED


def test_what_is_run_can_be_run(files: Files) -> None:
    """A program keeps its permission, and nothing else has it."""
    programs = {name for name, member in files.items() if member.mode & 0o100}
    assert programs == {"roles/drill/files/drill"}


def test_two_builds_give_the_same_bytes(
    artefact: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever, and in whatever time zone it is built."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    again = build(tmp_path)
    assert hashlib.sha256(again.read_bytes()).digest() == digest(artefact)


@pytest.fixture(scope="module", name="checkout")
def _checkout(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A checkout in which somebody has done what the README says, and more."""
    checkout = tmp_path_factory.mktemp("theirs") / "checkout"
    for name in known(ROOT):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, checkout / name)
    for command in (["init", "-q"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    shutil.copytree(checkout / "inventories" / "example", checkout / "inventories" / "mine")
    for name in THEIRS:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("---\n")
    return checkout


@pytest.mark.parametrize("committed", [False, True], ids=["as it is", "committed"])
def test_what_somebody_makes_in_the_checkout_does_not_ship(
    artefact: pathlib.Path,
    checkout: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    committed: bool,
) -> None:
    """Whether git knows it by then or not, the artefact is the same to the byte."""
    if committed:
        subprocess.run(["git", "add", "inventories"], cwd=checkout, check=True)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(epoch(ROOT)))
    theirs = build(tmp_path, checkout)
    assert held(theirs) == held(artefact)
    assert digest(theirs) == digest(artefact)


def test_what_the_readmes_commands_make_does_not_ship_by_ansible_galaxy_itself(
    checkout: pathlib.Path, tmp_path: pathlib.Path, files: Files
) -> None:
    """Which does not ask git: galaxy.yml names it."""
    run(tmp_path, "ansible-galaxy", "collection", "build", str(checkout))
    (built,) = tmp_path.glob("*.tar.gz")
    assert held(built) - OWN == set(files)


def test_its_times_are_the_ones_that_were_asked_for(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SOURCE_DATE_EPOCH is the time of every file."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with tarfile.open(build(tmp_path)) as tarball:
        assert {member.mtime for member in tarball.getmembers()} == {1_700_000_000}


def test_time_and_order_of_a_build_leave_no_trace(artefact: pathlib.Path) -> None:
    """A file system that lists its files in another order, a day later, makes no difference."""
    other = shuffled(artefact.read_bytes())
    assert other != artefact.read_bytes()
    assert normalised(other, 0) == normalised(artefact.read_bytes(), 0)


def test_it_installs_and_is_what_its_manifest_says(
    artefact: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """ansible-galaxy finds every checksum right, in a path that was empty."""
    install(artefact, tmp_path / "collections")
    command = ("ansible-galaxy", "collection", "verify", "--offline", "rollcall.discovery")
    assert "Successfully verified" in run(tmp_path, *command, "-p", str(tmp_path / "collections"))


def held(path: pathlib.Path) -> set[str]:
    """The names of the files in a tarball."""
    with tarfile.open(path) as tarball:
        return {member.name for member in tarball.getmembers() if not member.isdir()}


def digest(path: pathlib.Path) -> bytes:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).digest()


def shuffled(tarball: bytes) -> bytes:
    """The same files in another order and of other times."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(tarball)) as old,
        tarfile.open(fileobj=packed, mode="w:gz") as new,
    ):
        members = old.getmembers()
        random.Random(1).shuffle(members)
        for number, member in enumerate(members):
            content = old.extractfile(member)
            member.mtime = number
            new.addfile(member, content)
    return packed.getvalue()
