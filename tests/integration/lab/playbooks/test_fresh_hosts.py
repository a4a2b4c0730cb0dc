"""What happens on hosts that have nothing yet: predictions, published ports."""

from __future__ import annotations

import json
import socket
import struct

from ..conftest import HOSTS, Eventually, Lab

EMPTIES_HOSTS = True


def test_a_dry_run_on_empty_hosts_announces_what_the_real_run_does(lab: Lab) -> None:
    """--check --diff does not fail where nothing is, and counts the changes that follow."""
    lab.wipe(python=True)
    predicted = lab.converge("--check", "--diff")
    assert not predicted.failed, predicted.output
    assert "helloworld-1" in predicted.output
    real = lab.converge()
    assert not real.failed, real.output
    assert predicted.changed == real.changed


def test_the_articles_published_ports_work_too(lab: Lab, eventually: Eventually) -> None:
    """Servers on the bridge network with published ports, and DNS on port 53."""
    lab.wipe()
    options = {"consul_server_network": "published", "consul_server_dns_port_53": True}
    recap = lab.converge("-e", json.dumps(options))
    assert not recap.failed, recap.output
    eventually(lambda: len(lab.passing()) == 3 and lab.passing() == lab.containers(), 15)
    found = _addresses("my-web-server.service.consul", HOSTS["host-2"], 53)
    assert set(found) == set(HOSTS.values())
    assert _addresses("my-web-server.service.consul", HOSTS["host-3"], 8600) != []
    assert not sum(lab.converge("-e", json.dumps(options)).changed.values())
    # Gossip that once went through published ports stays in the kernel's table of connections as
    # long as it flows, and would miss agents on the host's own network.
    lab.wipe()
    lab.reboot(*HOSTS)


def _addresses(name: str, server: str, port: int) -> list[str]:
    """The A records of a name, asked of one DNS server over UDP."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = labels + b"\0" + struct.pack(">HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        header = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0)
        client.sendto(header + question, (server, port))
        answer = client.recv(4096)
    # Each record points back at the question's name, and ends with four bytes of address.
    record = b"\xc0\x0c" + struct.pack(">HH", 1, 1)
    parts = answer[len(header) + len(question) :].split(record)[1:]
    return [socket.inet_ntoa(part[6:10]) for part in parts]
