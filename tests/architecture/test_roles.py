"""Roles keep their promises: inputs documented and checked, no other role's variables."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
NAMES = [role.name for role in ROLES]
BANNED = {"command", "shell", "uri", "raw"}
# The probe is a program, and an inventory's way to kill a host a command of its own.
PROGRAMS = {"drill": {"command"}}
# A drill that ran in part would leave what it broke.
WITH_PHASES = [role for role in ROLES if role.name != "drill"]
# The phases that a role may have, in their order: files of its tasks, and tags after its name.
PHASES = ("validate", "install", "configure", "run", "verify", "remove")
OWN_PHASES = {"images": ("validate", "build", "push", "load")}

roles = pytest.mark.parametrize("role", ROLES, ids=NAMES)


def load(path: pathlib.Path) -> Any:
    """A YAML file's content, an empty mapping where there is no such file."""
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def options(role: pathlib.Path) -> dict[str, dict[str, Any]]:
    """The documented inputs of a role."""
    found: dict[str, dict[str, Any]] = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    return found["main"]["options"]


def files(role: pathlib.Path) -> list[pathlib.Path]:
    """Every YAML file of a role."""
    return sorted(role.rglob("*.yml"))


@roles
def test_defaults_and_specification_say_the_same(role: pathlib.Path) -> None:
    """Every default is documented with its value; every input that is not required has one."""
    defaults, documented = load(role / "defaults" / "main.yml"), options(role)
    assert set(defaults) <= set(documented)
    for name, option in documented.items():
        if "default" in option:
            assert defaults.get(name, "missing") == option["default"], name
        elif name in defaults:
            assert "{{" in str(defaults[name]), f"{name}: document its default"
        else:
            assert option.get("required") is True, f"{name} has no default and is not required"


@roles
def test_every_input_is_described_and_typed(role: pathlib.Path) -> None:
    """No input without a description, a type, and elements where it is a list."""
    for name, option in options(role).items():
        assert option.get("description"), name
        assert option.get("type"), name
        assert option["type"] != "list" or option.get("elements"), name


@roles
def test_a_role_reads_only_its_own_variables(role: pathlib.Path) -> None:
    """No variable of another role stands in a role but the inputs of one it includes; no group."""
    text = "".join(path.read_text() for path in files(role))
    included = re.findall(r"include_role:\n +name: rollcall\.discovery\.(\w+)", text)
    others = "|".join(name for name in NAMES if name not in (role.name, *included))
    pattern = re.compile(rf"(?<!\.)\b(?:__)?(?:{others})_(?!hosts\b)\w+")
    for path in files(role):
        words = set(pattern.findall(path.read_text()))
        # A role may have its module's name, and another role's in front of its own.
        foreign = {word for word in words if not f"{word}_".lstrip("_").startswith(f"{role.name}_")}
        assert not foreign, path
        assert "groups[" not in path.read_text(), path


@roles
def test_private_variables_are_marked(role: pathlib.Path) -> None:
    """vars/main.yml holds only names that begin with two underscores and the role's name."""
    names = load(role / "vars" / "main.yml")
    assert all(name.startswith(f"__{role.name}_") for name in names)


@roles
def test_tasks_have_names_and_full_module_names(role: pathlib.Path) -> None:
    """Every task is named, uses a fully qualified module, and none that a module replaces."""
    for path in (role / "tasks").rglob("*.yml"):
        for task in load(path):
            assert task.get("name"), path
            modules = [key for key in task if "." in key]
            blocks = [key for key in ("block", "import_playbook") if key in task]
            assert modules or blocks, task
            used = {module.rpartition(".")[2] for module in modules}
            assert not (BANNED - PROGRAMS.get(role.name, set())) & used, task


@pytest.mark.parametrize("role", WITH_PHASES, ids=lambda role: role.name)
def test_a_role_names_its_phases_as_every_other_does(role: pathlib.Path) -> None:
    """Each task of main.yml has its phase's tag, and a phase with a file is imported, in order."""
    known, imported = OWN_PHASES.get(role.name, PHASES), []
    for task in load(role / "tasks" / "main.yml"):
        tags = task.get("tags")
        assert tags, task["name"]
        phases = [tag.removeprefix(f"{role.name}_") for tag in tags if tag != "always"]
        assert phases == [phase for phase in known if phase in phases], task["name"]
        included = task.get("ansible.builtin.include_tasks", {"file": ""})["file"]
        stem = pathlib.PurePath(task.get("ansible.builtin.import_tasks", included)).stem
        if stem in known:
            imported.append(stem)
            assert tags == [f"{role.name}_{stem}"], task["name"]
        # What is included has no tag of the task that includes it.
        for name in ("ansible.builtin.include_tasks", "ansible.builtin.include_role"):
            if name in task:
                assert task[name]["apply"]["tags"] == tags, task["name"]
    files = {path.stem for path in (role / "tasks").glob("*.yml")}
    assert imported == [phase for phase in known if phase in files]


@roles
def test_a_role_has_a_readme_that_names_it(role: pathlib.Path) -> None:
    """A reader who opens the folder learns what it is and where its inputs are."""
    text = (role / "README.md").read_text()
    assert f"# rollcall.discovery.{role.name}" in text
    assert "argument_specs" in text


def test_playbooks_hold_no_logic() -> None:
    """Plays name hosts and roles; tasks and handlers live in roles."""
    for path in sorted((ROOT / "playbooks").rglob("*.yml")):
        for play in yaml.safe_load(path.read_text()):
            assert not {"tasks", "pre_tasks", "post_tasks", "handlers"} & set(play), path
