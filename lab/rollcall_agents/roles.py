"""What a role makes of given inputs, without running a play."""

from __future__ import annotations

import dataclasses
import inspect
import pathlib
from collections.abc import Mapping
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from .plugins import ansible_plugins

ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"
# Since ansible-core 2.19 it is said of a file whether its text may be a template.
TRUSTED = (
    {"trusted_as_template": True}
    if "trusted_as_template" in inspect.signature(DataLoader.load_from_file).parameters
    else {}
)
# What Ansible would say of a play.
PLAY = {"ansible_managed": "Ansible managed", "inventory_dir": "/inventory"}


@dataclasses.dataclass(frozen=True)
class Role:
    """A role with its inputs, which are given without their prefix, and what tasks registered."""

    name: str
    inputs: Mapping[str, Any]
    registered: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def variables(self, *names: str) -> dict[str, Any]:
        """What its variables of these names are, such as `__haproxy_lb_files`."""
        values = self._values()
        return self._filled({name: values[name] for name in names})

    def options(self, module: str) -> dict[str, Any]:
        """What its one task with this module gives to it."""
        (given,) = [task[module] for task in self._part("tasks") if module in task]
        return self._filled(given)

    def _values(self) -> dict[str, Any]:
        own = {f"{self.name}_{key}": value for key, value in self.inputs.items()}
        path = {"ansible_search_path": [str(ROLES / self.name)]}
        parts = {**self._part("defaults"), **self._part("vars")}
        return {**parts, **own, **self.registered, **path, **PLAY}

    def _filled(self, template: Any) -> Any:
        with ansible_plugins():
            return Templar(DataLoader(), variables=self._values()).template(template)

    def _part(self, part: str) -> Any:
        path = ROLES / self.name / part / "main.yml"
        return DataLoader().load_from_file(str(path), **TRUSTED)
