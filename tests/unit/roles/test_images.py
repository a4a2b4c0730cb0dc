"""An image has the same digest of its sources under every ansible-core."""

from __future__ import annotations

import hashlib
import json
import pathlib

from rollcall_agents.roles import Role


def test_an_image_has_the_same_sources_under_every_core() -> None:
    """What it is made of is told by a digest: with another it would be built anew."""
    image = {"name": "rollcall/x:1", "context": "/src", "dockerfile": __file__, "args": {"A": "b"}}
    files = [{"path": "/src/run", "checksum": "0123", "xusr": True}]
    around = {
        "__images_sources": {"results": [{"item": "/src", "files": files}]},
        "ansible_play_hosts_all": ["h"],
    }
    name = "__images_recipes"
    (recipe,) = Role("images", {"list": [image]}, around).variables(name)[name]
    made_of = [
        {"A": "b"},
        [{"path": "run", "checksum": "0123", "mode": "0755"}],
        pathlib.Path(__file__).read_text().rstrip(),
    ]
    text = json.dumps(made_of, sort_keys=True)
    assert recipe["content"] == hashlib.sha256(text.encode()).hexdigest()
