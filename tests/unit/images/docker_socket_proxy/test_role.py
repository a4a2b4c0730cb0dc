"""What the role makes of its inputs and of the host, read as the gate and Docker read it."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import yaml
from docker_socket_proxy.settings import Settings, settings_from
from rollcall_agents.roles import Role

ROOT = pathlib.Path(__file__).resolve().parents[4]
ROLE = ROOT / "roles" / "registrator"
NO_SOCKET = {"exists": False}


def docker_socket(gid: int = 998, *, group: bool = True) -> dict[str, Any]:
    """What a host says of its engine's socket."""
    return {"exists": True, "gid": gid, "wgrp": group}


def rendered(name: str, stat: dict[str, Any] = NO_SOCKET, **inputs: Any) -> Any:
    """A variable of the role's; inputs without their prefix."""
    around = {"__registrator_engine": {"stat": stat}}
    return Role("registrator", inputs, around).variables(name)[name]


def tasks(name: str) -> list[dict[str, Any]]:
    """The tasks of one of the role's files."""
    found: list[dict[str, Any]] = yaml.safe_load((ROLE / "tasks" / name).read_text())
    return found


@pytest.mark.parametrize(
    ("stat", "user", "whom"),
    [
        (docker_socket(998), "", "65534:998"),
        (docker_socket(0), "", "0:0"),
        (docker_socket(998, group=False), "", "0:0"),
        (NO_SOCKET, "", "0:0"),
        (docker_socket(998), "1000:5", "1000:5"),
    ],
    ids=["a group", "root's group", "a group that may not", "no engine yet", "chosen"],
)
def test_the_gate_runs_as_nobody_where_a_group_may_use_the_socket(
    stat: dict[str, Any], user: str, whom: str
) -> None:
    """Root without capabilities where there is none; who knows better says it."""
    assert rendered("__registrator_gate_user", stat, docker_gate_user=user) == whom


@pytest.mark.parametrize(
    ("inputs", "mount", "engine"),
    [
        ({}, "/var/run:/run/docker-host:ro", "/run/docker-host/docker.sock"),
        (
            {"docker_socket": "/run/d/engine.sock", "socket_mount": "file"},
            "/run/d/engine.sock:/run/docker-host/engine.sock:ro",
            "/run/docker-host/engine.sock",
        ),
    ],
    ids=["folder", "file"],
)
def test_the_gate_has_the_engines_socket(inputs: dict[str, str], mount: str, engine: str) -> None:
    """The way that Registrator would have it, and read-only."""
    assert rendered("__registrator_gate_mount", **inputs) == mount
    assert rendered("__registrator_gate_engine", **inputs) == engine


def test_role_and_image_agree() -> None:
    """The gate understands the role's variables; a new volume takes its mode from the image."""
    [gate] = tasks("gate.yml")[1]["rollcall.discovery.container_set"]["containers"]
    listen = rendered("__registrator_gate_socket")
    values = ("/" + "a" * number for number in (3, 4))
    environment = dict(zip(gate["env"], values, strict=True))
    understood = settings_from(environment)
    assert {understood.listen, understood.engine} == set(environment.values())
    assert listen == Settings.listen
    recipe = (ROOT / "roles/images/files/docker_socket_proxy/Dockerfile").read_text()
    folder = listen.rpartition("/")[0]
    assert f"install -d -m 0777 {folder}" in recipe
    assert re.search(rf"^VOLUME {folder}$", recipe, re.MULTILINE)


def test_the_gate_can_do_nothing_but_its_work() -> None:
    """No network, no capability, nothing to write but its volume; nothing of the host's either."""
    [gate] = tasks("gate.yml")[1]["rollcall.discovery.container_set"]["containers"]
    assert (gate["network_mode"], gate["read_only"], gate["cap_drop"]) == ("none", True, ["ALL"])
    assert gate["security_opt"] == ["no-new-privileges"]
    assert not {"cap_add", "ports", "tmpfs"} & set(gate)
    assert len(gate["volumes"]) == 2


def test_the_gate_is_there_before_registrator_and_leaves_after_it() -> None:
    """Registrator never looks for a socket that nobody makes, nor has two ways at once."""
    first, *between, last, _token = tasks("main.yml")
    (registrator,) = (each for each in between if "Run Registrator" in each["name"])
    assert first["ansible.builtin.include_tasks"] == "gate.yml"
    assert first["when"] == ["registrator_docker_gate | bool", "registrator_state != 'absent'"]
    assert "rollcall.discovery.registrator_container" in registrator
    removal = last["rollcall.discovery.container_set"]
    assert (removal["owner"], removal["state"]) == ("docker_gate", "absent")
    gone, rebuilt = last["when"].split(" or ")
    assert gone == "registrator_state == 'absent'"
    # Without a gate, and with another volume than before: Registrator stood behind one.
    assert rebuilt.startswith("not registrator_docker_gate | bool and 'volumes' in ")


def test_without_the_gate_registrator_is_what_it_was() -> None:
    """The container's specification is the same, so that none is made anew."""
    (module,) = (
        each["rollcall.discovery.registrator_container"]
        for each in tasks("main.yml")
        if each["name"] == "Run Registrator"
    )
    for option, value in {
        "docker_socket": "registrator_docker_socket",
        "socket_mount": "registrator_socket_mount",
        "socket_volume": "omit",
    }.items():
        assert re.fullmatch(
            rf"{{{{ registrator_docker_gate \| bool \| ternary\(.+, {value}\) }}}}", module[option]
        )
