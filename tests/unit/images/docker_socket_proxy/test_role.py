"""What the role makes of its inputs and of the host, read as the proxy and Docker read it."""

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
def test_the_proxy_runs_as_nobody_where_a_group_may_use_the_socket(
    stat: dict[str, Any], user: str, whom: str
) -> None:
    """Root without capabilities where there is none; who knows better says it."""
    assert rendered("__registrator_proxy_user", stat, socket_proxy_user=user) == whom


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
def test_the_proxy_has_the_engines_socket(inputs: dict[str, str], mount: str, engine: str) -> None:
    """The way that Registrator would have it, and read-only."""
    assert rendered("__registrator_proxy_mount", **inputs) == mount
    assert rendered("__registrator_proxy_engine", **inputs) == engine


def test_role_and_image_agree() -> None:
    """The proxy understands the role's variables; a new volume takes its mode from the image."""
    [proxy] = tasks("socket_proxy.yml")[0]["rollcall.discovery.container_set"]["containers"]
    listen = rendered("__registrator_proxy_socket")
    values = ("/" + "a" * number for number in (3, 4))
    environment = dict(zip(proxy["env"], values, strict=True))
    understood = settings_from(environment)
    assert {understood.listen, understood.engine} == set(environment.values())
    assert listen == Settings.listen
    recipe = (ROOT / "roles/images/files/docker_socket_proxy/Dockerfile").read_text()
    folder = listen.rpartition("/")[0]
    assert f"install -d -m 0777 {folder}" in recipe
    assert re.search(rf"^VOLUME {folder}$", recipe, re.MULTILINE)


def test_the_proxy_can_do_nothing_but_its_work() -> None:
    """No network, no capability, nothing to write but its volume; nothing of the host's either."""
    [proxy] = tasks("socket_proxy.yml")[0]["rollcall.discovery.container_set"]["containers"]
    assert (proxy["network_mode"], proxy["read_only"], proxy["cap_drop"]) == ("none", True, ["ALL"])
    assert proxy["security_opt"] == ["no-new-privileges"]
    assert not {"cap_add", "ports", "tmpfs"} & set(proxy)
    assert len(proxy["volumes"]) == 2


def test_the_proxy_is_there_before_registrator_and_leaves_after_it() -> None:
    """Registrator never looks for a socket that nobody makes, nor has two ways at once."""
    first, registrator, *_between, removal, _files = tasks("run.yml")
    assert first["ansible.builtin.import_tasks"] == "socket_proxy.yml"
    assert first["when"] == ["registrator_socket_proxy | bool", "registrator_state != 'absent'"]
    assert "rollcall.discovery.registrator_container" in registrator
    removed = removal["rollcall.discovery.container_set"]
    assert (removed["owner"], removed["state"]) == ("docker_socket_proxy", "absent")
    gone, rebuilt = removal["when"].split(" or ")
    assert gone == "registrator_state == 'absent'"
    # Without a proxy, and with another volume than before: Registrator has used one.
    assert rebuilt.startswith("not registrator_socket_proxy | bool and 'volumes' in ")


def test_without_the_proxy_registrator_is_what_it_was() -> None:
    """The container's specification is the same, so that none is made anew."""
    (module,) = (
        each["rollcall.discovery.registrator_container"]
        for each in tasks("run.yml")
        if each["name"] == "run | Run Registrator"
    )
    for option, value in {
        "docker_socket": "registrator_docker_socket",
        "socket_mount": "registrator_socket_mount",
        "socket_volume": "omit",
    }.items():
        assert re.fullmatch(
            rf"{{{{ registrator_socket_proxy \| bool \| ternary\(.+, {value}\) }}}}", module[option]
        )
