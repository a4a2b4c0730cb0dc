"""The living system as a table and as a picture."""

from __future__ import annotations

import pathlib
import re
from xml.etree import ElementTree

from ..conftest import HOSTS, Eventually, Lab


def test_the_table_tells_what_runs_and_who_leads(lab: Lab, eventually: Eventually) -> None:
    """A line for every web container, each passing, and one leader among three servers."""
    assert not lab.converge().failed
    eventually(lambda: lab.passing() == lab.containers(), 15)
    output = " ".join(lab.play("playbooks/status.yml").output.split())
    assert re.search(r"leader consulserver-node\d; 3 servers; 0 clients", output)
    for host in HOSTS:
        assert re.search(rf"{host} helloworld-1 running \d+->80 my-web-server passing", output)
    assert output.count("server, leader") == 1


def test_the_picture_shows_a_server_that_was_killed(
    lab: Lab, eventually: Eventually, tmp_path: pathlib.Path
) -> None:
    """Its node has failed, and what is registered there is critical."""
    path = tmp_path / "topology.svg"
    lab.ssh("host-3", "docker kill consul-server")
    try:
        eventually(lambda: len(lab.passing()) == 2, 30)
        recap = lab.play("playbooks/topology.yml", "-e", f"stack_status_picture={path}")
    finally:
        lab.ssh("host-3", "docker start consul-server")
    assert not recap.failed, recap.output
    root = ElementTree.parse(path).getroot()
    words = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "exited, server, failed" in words
    assert "2 healthy of my-web-server" in words
    assert sum(word.endswith("critical") for word in words) == 1
    eventually(lambda: len(lab.passing()) == len(HOSTS), 30)
