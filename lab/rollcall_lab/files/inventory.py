"""The inventory of hosts beyond the articles' three: they join as Consul clients."""

from __future__ import annotations

import json

from ..settings import STATE, Host, Settings

FOLDER = STATE / "inventory"
_GROUPS = ("docker_hosts", "consul_clients", "registrator_hosts", "web_servers")


def arguments(settings: Settings) -> list[str]:
    """The `-i` options for this lab; writes the extra inventory where it is needed."""
    extra = settings.hosts[3:]
    shipped = ["-i", str(settings.inventory)]
    if not extra:
        return shipped
    FOLDER.mkdir(parents=True, exist_ok=True)
    # JSON is YAML: Ansible reads it, and the standard library writes it.
    (FOLDER / "hosts.yml").write_text(json.dumps(_document(extra), indent=2) + "\n")
    return [*shipped, "-i", str(FOLDER)]


def _document(hosts: tuple[Host, ...]) -> dict[str, object]:
    """The extra hosts in every group that a client machine belongs to."""
    variables = {
        host.name: {"ansible_host": host.address, "rollcall_index": host.index} for host in hosts
    }
    members: dict[str, dict[str, object]] = {host.name: {} for host in hosts}
    children = {group: {"hosts": members} for group in _GROUPS}
    return {"all": {"hosts": variables, "children": children}}
