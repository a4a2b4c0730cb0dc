"""What a role makes of given inputs, without running a play."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import pathlib
from collections.abc import Mapping
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from .plugins import ansible_plugins

ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"
# What Ansible would say of a play.
PLAY = {"ansible_managed": "Ansible managed", "inventory_dir": "/inventory"}
# ansible-core 2.19 and later are told that a file's texts are templates, and leave out what is
# omitted. Before, every text may be a template, and a word stands for what whoever asks leaves out.
NEW = "trusted_as_template" in inspect.signature(DataLoader.load_from_file).parameters
OMITTED = "__omitted__"
TRUSTED: Mapping[str, Any] = {"trusted_as_template": True} if NEW else {}
OMIT = {} if NEW else {"omit": OMITTED}


@dataclasses.dataclass(frozen=True)
class Role:
    """A role with its inputs, which are given without their prefix.

    `around` is what a play knows beside them: groups, other variables, and results of its tasks.
    """

    name: str
    inputs: Mapping[str, Any]
    around: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def variables(self, *names: str) -> dict[str, Any]:
        """What its variables of these names are, such as `__haproxy_lb_files`."""
        values = self._values()
        found: dict[str, Any] = self._filled({name: values[name] for name in names})
        return found

    def options(self, module: str) -> dict[str, Any]:
        """What its one task with this module gives to it."""
        (given,) = [task[module] for task in _tasks(self.name) if module in task]
        found: dict[str, Any] = self._filled(given)
        return found

    def _values(self) -> dict[str, Any]:
        own = {f"{self.name}_{key}": value for key, value in self.inputs.items()}
        path = {
            "ansible_search_path": [str(ROLES / self.name)],
            "role_path": str(ROLES / self.name),
        }
        parts = {**_part(self.name, "defaults"), **_part(self.name, "vars")}
        return {**parts, **own, **path, **PLAY, **OMIT, **self.around}

    def _filled(self, template: Any) -> Any:
        with ansible_plugins():
            found = Templar(DataLoader(), variables=self._values()).template(template)
        return found if NEW else _without_omitted(found)


def variables_of(path: pathlib.Path) -> Any:
    """What a file of variables or tasks says, with templates that may be filled."""
    return DataLoader().load_from_file(str(path), **TRUSTED)


def _without_omitted(value: Any) -> Any:
    """All of a value but the entries that are omitted."""
    if isinstance(value, dict):
        return {key: _without_omitted(each) for key, each in value.items() if each != OMITTED}
    return [_without_omitted(each) for each in value] if isinstance(value, list) else value


@functools.cache
def _tasks(role: str) -> list[Any]:
    """The tasks of main.yml and of what it imports, blocks left closed; nobody changes them."""
    folder = ROLES / role / "tasks"
    found: list[Any] = []
    for task in variables_of(folder / "main.yml"):
        imported = task.get("ansible.builtin.import_tasks")
        found += variables_of(folder / imported) if imported else [task]
    return found


@functools.cache
def _part(role: str, part: str) -> Any:
    """What the role's file of this part says; nobody changes it."""
    return variables_of(ROLES / role / part / "main.yml")
