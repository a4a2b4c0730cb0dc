"""The Lua in nginx: its pure part tested by busted, all of it linted by luacheck."""

from __future__ import annotations

import pathlib
import subprocess

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.images import image, on_top
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Place

SPECS = pathlib.Path(__file__).with_name("lua")
SOURCES = "/usr/local/share/lua/5.1/nginx_lb"


@pytest.mark.parametrize(
    "words",
    [
        ["busted", "--lua=/usr/bin/luajit", "--pattern=_spec", "."],
        ["luacheck", "--config", "luacheckrc.lua", SOURCES, "."],
    ],
    ids=["busted", "luacheck"],
)
def test_the_lua_is_sound(place: Place, words: list[str]) -> None:
    """With the LuaJIT of the image's nginx."""
    name = on_top(image("nginx_lb", place.engine), SPECS, place.engine)
    done = subprocess.run(
        ["docker", *place.engine, "run", "--rm", name, *words],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
