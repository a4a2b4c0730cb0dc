"""What the role haproxy_lb writes for given inputs, without running a play."""

from __future__ import annotations

import pathlib
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from .plugins import ansible_plugins

ROLE = pathlib.Path(__file__).resolve().parents[2] / "roles" / "haproxy_lb"


def evaluated(name: str, **inputs: Any) -> Any:
    """One of the role's variables, such as `__haproxy_lb_files`; inputs without their prefix."""
    loader = DataLoader()
    values: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        values.update(
            loader.load_from_file(str(ROLE / part / "main.yml"), trusted_as_template=True)
        )
    values.update({f"haproxy_lb_{key}": value for key, value in inputs.items()})
    values["ansible_search_path"] = [str(ROLE)]
    values["ansible_managed"] = "Ansible managed"
    with ansible_plugins():
        return Templar(loader, variables=values).template(values[name])


def files(**inputs: Any) -> dict[str, str]:
    """The files that the role writes, by name."""
    found = {each["path"]: each["content"] for each in evaluated("__haproxy_lb_files", **inputs)}
    return {**found, "revision": evaluated("__haproxy_lb_revision", **inputs) + "\n"}
