"""A foreign project reads the collection as it was installed: every name, every play.

`tests/integration/lab/playbooks/test_consumer.py` runs it.
"""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import yaml
from consumer import SOURCES, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLAYBOOKS = sorted(
    ".".join(path.relative_to(ROOT / "playbooks").with_suffix("").parts)
    for path in (ROOT / "playbooks").rglob("*.yml")
    if path.parent.name != "vars"
)
# Where Ansible chooses the hosts of a play it knows no variable of an inventory.
GROUPS = ("-e", "@groups.yml")
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())


def test_the_collection_is_found_in_the_project_and_nowhere_else(project: pathlib.Path) -> None:
    """The checkout beside it is not looked at."""
    listed = run(project, "ansible-galaxy", "collection", "list", "rollcall.discovery")
    assert re.findall(r"^# (.+)$", listed, re.M) == [
        str(project / "collections/ansible_collections")
    ]


def test_every_role_that_it_takes_is_read(project: pathlib.Path) -> None:
    """Single roles by their full names, and a module between them."""
    listed = run(project, "ansible-playbook", "quotes.yml", "--list-tasks", "--list-hosts")
    taken = set(re.findall(r"rollcall\.discovery\.(\w+) : ", listed))
    assert taken == {"docker_host", "consul_server", "registrator", "nginx_lb"}
    assert "Run the containers" in listed
    assert set(re.findall(r"^ {6}(\w+)$", listed, re.M)) == {"bergen", "oslo", "tromso"}


@pytest.fixture(scope="module", name="checked")
def _checked(project: pathlib.Path) -> str:
    """What Ansible says of the syntax of every playbook, called by its full name."""
    names = (f"rollcall.discovery.{name}" for name in PLAYBOOKS)
    return run(project, "ansible-playbook", *names, *GROUPS, "--syntax-check")


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_every_playbook_can_be_called_by_its_full_name(
    project: pathlib.Path, checked: str, name: str
) -> None:
    """With groups of other names."""
    path = project / "collections/ansible_collections/rollcall/discovery/playbooks"
    assert f"playbook: {path / name.replace('.', '/')}.yml" in checked.splitlines()


def test_the_whole_stack_meets_the_projects_own_groups(project: pathlib.Path) -> None:
    """Each play of the collection's playbook has the hosts that the project means."""
    listed = run(project, "ansible-playbook", "rollcall.discovery.site", *GROUPS, "--list-hosts")
    plays = re.findall(r"play #\d+ \(.*?\): (.+?)\t.*?hosts \((\d+)\)", listed, re.S)
    assert dict(plays) == {
        "Check the inventory and the hosts": "3",
        "Install Docker Engine and the Python libraries": "3",
        "Create the secrets of a secure cluster": "3",
        "Run the Consul servers": "3",
        "Configure ACL policies and tokens": "1",
        "Run the Consul client agents": "0",
        "Run Registrator": "3",
        "Run the web service": "2",
        "Remove the web service from hosts that left the group": "1",
        "Run the nginx load balancer": "1",
    }


@pytest.fixture(scope="module", name="told")
def _told(project: pathlib.Path) -> dict[str, str]:
    """What ansible-doc reads of each role in the artefact, by its name."""
    names = (f"rollcall.discovery.{role}" for role in ROLES)
    shown = run(project, "ansible-doc", "-t", "role", *names)
    parts = re.split(r"^> ROLE: \S*rollcall\.discovery\.(\w+)", shown, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("role", ROLES)
def test_every_role_tells_its_inputs(
    project: pathlib.Path, told: dict[str, str], role: str
) -> None:
    """ansible-doc reads them from the artefact."""
    assert str(project / "collections") in told[role]
    assert "(red indicates it is required)" in told[role]


def test_the_project_names_no_input_that_no_role_has() -> None:
    """A variable that was renamed would be set for nobody."""
    known = {
        name
        for role in ROLES
        for name in read(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"][
            "main"
        ]["options"]
    }
    plays = read(SOURCES / "quotes.yml")
    given = {
        name
        for source in (
            read(SOURCES / "group_vars" / "machines.yml"),
            *(role.get("vars", {}) for play in plays for role in play.get("roles", ())),
        )
        for name in source
    }
    assert len(given) > len(known) / 30
    assert given <= known


def read(path: pathlib.Path) -> Any:
    """A YAML file's content."""
    return yaml.safe_load(path.read_text())
