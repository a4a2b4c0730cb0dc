"""A catalog full of hostile registrations, through the real consul-template, in front of nginx."""

from __future__ import annotations

import json
import pathlib
import re
import urllib.error
import urllib.request
from typing import Any

from rollcall_agents.agent import Agent

from ..hostile.parsed import strange_lines, strangers
from ..hostile.registrations import Hostile
from .nginx import NginxStage

# What the article's own template does with the same catalog.
_NAIVE = """\
{{ range service "web" }}
server {{ .Address }}:{{ .Port }};
{{- end }}
"""
_NODES = 5


def assert_harmless(stage: NginxStage, seed: int, count: int, folder: pathlib.Path) -> None:
    """So many registrations: nginx holds no word of theirs, the good instance serves on.

    A naive template fails with the same catalog.
    """
    examples = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"]
    # Nobody asks for this host: no request leaves for an address that a stranger named.
    hostile = {"name": "web", "hosts": ["hostile.example"]}
    stage.start(services=[hostile], discover={}, networks=[stage.place.network, *examples])
    stage.sees("the sync with Consul", lambda: stage.status()["synced"])
    plain = _configuration(stage)
    source = Hostile(seed)
    try:
        for number in range(4):
            _register(stage.agent, number, {**source.registration(), "tags": ["x;" * 2**19]})
        taken = sum(
            _register(stage.agent, number, {**source.registration(), **more})
            for number, more in enumerate(({}, {"service": "web"}) * (count // 2))
        )
        good = stage.backend("good", "fine", Tags=["lb", "lb.host=fine.example"])
        stage.serving("good", host="fine.example")
        skipped = lambda: stage.metrics()["nginx_lb_skipped_total"] > count / 30  # noqa: E731
        stage.sees("what was skipped", skipped)
        stage.sees("rest", lambda: not stage.status()["pending"])
        said = stage.status()
        text, instances = _configuration(stage), stage.inside("cat", "/run/nginx-lb/instances")
        upstream = _upstream_of_a_naive_template(stage)
    finally:
        for number in range(_NODES):
            stage.agent.call("PUT", "/v1/catalog/deregister", {"Node": f"node-{number}"})
    naive = folder / "naive"
    naive.mkdir()
    assert strangers(text, plain, folder) == []
    assert strange_lines(f"{instances}\n") == []
    assert strangers(plain[:-2] + f"upstream web {{\n{upstream}\n}}\n}}\n", plain, naive)
    assert taken > count / 2
    assert said["refused"] == ""
    assert said["services"]["web"]["instances"] > count / 300
    assert f"\n{good.place} 1\n" in instances


def _register(agent: Agent, number: int, said: dict[str, Any]) -> bool:
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
    body = {"Node": f"node-{number % _NODES}", "Address": "192.0.2.9", "Service": service}
    request = urllib.request.Request(
        f"{agent.url}/v1/catalog/register", json.dumps(body).encode(), method="PUT"
    )
    try:
        with urllib.request.urlopen(request, timeout=10):
            return True
    except urllib.error.HTTPError:
        # Some of it even Consul does not take: a port that is a text, a name of no characters.
        return False


def _configuration(stage: NginxStage) -> str:
    """What nginx serves, without the number that each reload changes."""
    text = stage.inside("nginx-lb", "render")
    return re.sub(r'return 200 "\d+ ', 'return 200 "0 ', text)


def _upstream_of_a_naive_template(stage: NginxStage) -> str:
    """The servers that consul-template writes where nobody looks at what strangers say."""
    (stage.folder / "naive.ctmpl").write_text(_NAIVE)
    address = f"{stage.place.backends}:{stage.agent.port}"
    template = "/etc/nginx-lb/conf/naive.ctmpl:/tmp/naive.conf"
    stage.inside(*("consul-template", f"-consul-addr={address}", "-once", "-template", template))
    return stage.inside("cat", "/tmp/naive.conf")
