"""What the documents tell is so: commands, variables, files, figures."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml
from commands import DOCUMENTS, ROOT, commands, exists, inputs, problem

ALL = [(path, words) for path in DOCUMENTS for words in commands(path)]
documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@pytest.mark.parametrize(
    ("path", "words"),
    ALL,
    ids=[f"{path.relative_to(ROOT)}: {' '.join(words)}"[:90] for path, words in ALL],
)
def test_a_command_is_one_that_exists(path: pathlib.Path, words: list[str]) -> None:
    """Its program, its files, its options and its variables."""
    assert problem(words) == "", path


def test_documents_hold_commands() -> None:
    """The search finds them."""
    assert len(ALL) > 60


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf /",
        "ansible-playbook playbooks/nothing.yml",
        "ansible-playbook site.yml -i inventories/nowhere",
        "ansible-playbook site.yml -e helloworld_cuont=3",
        "ansible-playbook site.yml --become-a-cow",
        "ansible-doc rollcall.discovery.nothing",
        "lab/up --hosts 99",
        "tests/run everything",
        "nox -s everything",
        "nox -s scenarios -- nothing",
        "molecule test -s nothing",
        "roles/drill/files/drill judge --hisotry x",
        "docker kill somebody",
        "ssh -F .lab/ssh/config host-1 docker kill somebody",
        "curl http://example.org/",
    ],
)
def test_a_wrong_command_is_found(line: str) -> None:
    """Each of the checks can fail."""
    assert problem(line.split()) != ""


@documents
def test_a_variable_that_is_named_is_one_that_is_taken(path: pathlib.Path) -> None:
    """Whatever begins with a role's name is its input, its module, its tag, or a role."""
    roles = {each.name for each in (ROOT / "roles").iterdir()}
    modules = {each.stem for each in (ROOT / "plugins").glob("*/*.py")}
    drills = {each.stem for each in (ROOT / "playbooks").rglob("*.yml")}
    groups = set(
        yaml.safe_load((ROOT / "inventories/example/hosts.yml").read_text())["all"]["children"]
    )
    tasks = "".join(path.read_text() for path in (ROOT / "roles").glob("*/tasks/main.yml"))
    tags = {tag for each in re.findall(r"tags: \[(.*)\]", tasks) for tag in each.split(", ")}
    known = inputs() | tags | roles | modules | drills | groups
    text = re.sub(r"https?://\S+", "", path.read_text())
    prefix = "|".join(sorted(roles | {"rollcall"}, key=len, reverse=True))
    named = set(re.findall(rf"(?<![\w./-])((?:{prefix})_\w+)\b(?!\.\w)", text))
    endings = {each for each in named if each.endswith("_")}
    assert named - endings - known - NOT_VARIABLES == set()


# Names of Python packages, which look like variables.
NOT_VARIABLES = {"rollcall_drills", "rollcall_lab"}


# Filled by a lab and by its drills: what is in them depends on what has run here.
MADE = {".drills", ".lab"}


@documents
def test_a_file_that_is_named_is_there(path: pathlib.Path) -> None:
    """In the words of the checkout, between backquotes."""
    found = {each.name for each in ROOT.iterdir() if each.is_dir()}
    folders = "|".join(map(re.escape, sorted(found - MADE)))
    named = re.findall(rf"`((?:{folders})/[\w./-]+)`", path.read_text())
    # Theirs, or a role's own.
    others = [each for each in named if not each.startswith("inventories/mine/")]
    assert exists(*(each for each in others if not list(ROOT.glob(f"roles/*/{each}")))) == ""


@documents
def test_a_relative_link_leads_somewhere(path: pathlib.Path) -> None:
    """As a reader of the checkout follows it."""
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    local = [each for each in links if not re.match(r"https?:|mailto:", each)]
    assert [each for each in local if not (path.parent / each).exists()] == []


def test_the_bounds_of_the_drills_are_those_that_are_told() -> None:
    """A row for each drill, as its playbook has it."""
    told = dict(re.findall(r"^\| `(\w+)` \| ([a-z_]+ [\d.]+(?:, .*)?) \|$", explanation(), re.M))
    real = {}
    for path in (ROOT / "playbooks" / "drills").rglob("*.yml"):
        if path.parent.name == "vars":
            continue
        (play,) = yaml.safe_load(path.read_text())
        bounds = play["roles"][0]["vars"]["drill_bounds"]
        real[path.stem] = ", ".join(f"{name} {value}" for name, value in bounds.items())
    assert told == real


def explanation() -> str:
    """The document's text."""
    return (ROOT / "docs" / "explanation.md").read_text()


def test_the_reference_lists_every_playbook() -> None:
    """By its name, those of a folder with the folder's."""
    told = re.findall(r"^\| `([\w.]+)` \|", (ROOT / "docs" / "reference.md").read_text(), re.M)
    folder = ROOT / "playbooks"
    there = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.yml"))
    assert set(told) == {
        ".".join(path.parts) for path in there if path.parts[0] not in ("drills", "vars")
    }
