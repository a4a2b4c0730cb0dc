"""The Lua in nginx and in HAProxy: busted tests what is pure, luacheck lints all of it."""

from __future__ import annotations

import pathlib
import subprocess

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.images import on_top
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Place

SPECS = pathlib.Path(__file__).with_name("lua")
LUACHECK = ("luacheck", "--config", "luacheckrc.lua")


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("nginx_lb", ("busted", "--lua=/usr/bin/luajit", "--pattern=_spec", ".")),
        ("nginx_lb", (*LUACHECK, "/usr/local/share/lua/5.1/nginx_lb", ".")),
        ("haproxy_lb", (*LUACHECK, "/usr/local/lib/haproxy-lb")),
    ],
    ids=["busted", "luacheck", "luacheck of HAProxy's"],
)
def test_the_lua_is_sound(place: Place, program: str, words: tuple[str, ...]) -> None:
    """With the LuaJIT of the image's nginx."""
    name = on_top(program, SPECS, place.engine)
    done = subprocess.run(
        ["docker", *place.engine, "run", "--rm", name, *words],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
