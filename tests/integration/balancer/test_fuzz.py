"""Hostile registrations in a real catalog, through the real consul-template, in front of nginx."""

from __future__ import annotations

import json
import pathlib
import random
import re
import urllib.error
import urllib.request
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.hostile.parsed import strangers
from ansible_collections.rollcall.discovery.tests.support.hostile.registrations import Hostile
from rollcall_agents.agent import Agent

from .stage import Stage

REGISTRATIONS = 3_000
# What the article's own template does with the same catalog.
NAIVE = """\
{{ range service "web" }}
server {{ .Address }}:{{ .Port }};
{{- end }}
"""


@pytest.fixture
def seed() -> int:
    """The seed, printed where a test fails."""
    found = random.randrange(2**32)
    print(f"seed {found}")
    return found


def register(agent: Agent, number: int, said: dict[str, Any]) -> bool:
    """Write a registration past every check, as who holds a token for the catalog can."""
    service = {
        "Service": said["service"],
        "ID": f"{said['id']}-{number}",
        "Address": said["address"],
        "Port": said["port"],
        "Tags": [*said["tags"], "lb"],
        "Meta": {"note": str(said["tags"])[:500]},
        "Weights": {"Passing": said["weight"], "Warning": 1},
    }
    body = {"Node": f"node-{number % 5}", "Address": "192.0.2.9", "Service": service}
    request = urllib.request.Request(
        f"{agent.url}/v1/catalog/register", json.dumps(body).encode(), method="PUT"
    )
    try:
        with urllib.request.urlopen(request, timeout=10):
            return True
    except urllib.error.HTTPError:
        # Some of it even Consul does not take: a port that is a text, a name of no characters.
        return False


def forget(agent: Agent) -> None:
    """Take the nodes of the fuzz out of the catalog again."""
    for number in range(5):
        agent.call("PUT", "/v1/catalog/deregister", {"Node": f"node-{number}"})


def configuration(stage: Stage) -> str:
    """What nginx serves, without the number that each reload changes."""
    text = stage.inside("cat", "/var/lib/nginx-lb/nginx.conf")
    return re.sub(r'return 200 "\d+ ', 'return 200 "0 ', text)


def test_a_hostile_catalog_costs_nobody_a_request(
    stage: Stage, seed: int, tmp_path: pathlib.Path
) -> None:
    """nginx holds no word of theirs, the good instance serves on, and a naive template fails."""
    examples = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]
    # Nobody asks for this host: no request leaves for an address that a stranger named.
    hostile = {"name": "web", "hosts": ["hostile.example"]}
    stage.start(services=[hostile], discover={}, networks=[stage.place.network, *examples])
    stage.sees("word from Consul", lambda: stage.status()["heard"])
    plain = configuration(stage)
    source = Hostile(seed)
    try:
        for number in range(4):
            register(stage.agent, number, {**source.registration(), "tags": ["x;" * 2**19]})
        taken = sum(
            register(stage.agent, number, {**source.registration(), **more})
            for number, more in enumerate(({}, {"service": "web"}) * (REGISTRATIONS // 2))
        )
        good = stage.backend("good", "fine", Tags=["lb", "lb.host=fine.example"])
        stage.serving("good", host="fine.example")
        stage.sees("what was skipped", lambda: stage.metrics()["nginx_lb_skipped_total"] > 100)
        stage.sees("rest", lambda: not stage.status()["pending"])
        said = stage.status()
        text = configuration(stage)
        naive = tmp_path / "naive"
        naive.mkdir()
        (stage.folder / "naive.ctmpl").write_text(NAIVE)
        address = f"{stage.place.backends}:{stage.agent.port}"
        template = "/etc/nginx-lb/conf/naive.ctmpl:/tmp/naive.conf"
        stage.inside(
            *("consul-template", f"-consul-addr={address}", "-once", "-template", template)
        )
        upstream = stage.inside("cat", "/tmp/naive.conf")
        assert strangers(text, plain, tmp_path) == []
        assert strangers(plain[:-2] + f"upstream web {{\n{upstream}\n}}\n}}\n", plain, naive)
        assert taken > REGISTRATIONS / 2
        assert said["refused"] == ""
        assert said["services"]["web"]["instances"] > 10
        assert f"server {good.place} " in text
    finally:
        forget(stage.agent)
