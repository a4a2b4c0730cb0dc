"""The status of hosts of which one cannot be reached, and of which no part answers."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

from rollcall_agents.agent import free_ports

ROOT = pathlib.Path(__file__).resolve().parents[3]


def test_a_stack_that_is_dead_can_be_looked_at(tmp_path: pathlib.Path) -> None:
    """No engine, no agent, a host without SSH: a line for each, a picture, and no failure."""
    # Nobody listens there.
    (port,) = free_ports(1)
    (tmp_path / "hosts.yml").write_text(
        f"""
docker_hosts:
  hosts:
    far: {{ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: {port}}}
    near: {{ansible_connection: local, ansible_python_interpreter: {sys.executable}}}
  vars:
    registrator_ip: 192.0.2.1
    registrator_registry_uri: consul://127.0.0.1:{port}
    stack_status_docker_host: unix://{tmp_path}/no.sock
"""
    )
    done = subprocess.run(
        ["ansible-playbook", str(ROOT / "playbooks" / "topology.yml"), "-i", "hosts.yml"],
        cwd=tmp_path,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "PWD": str(tmp_path),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = " ".join(done.stdout.partition("Show the status table]")[2].split())
    assert "- no Consul agent answered" in shown
    # ansible-core 2.17 and 2.18 do not say that it is the task which failed.
    assert re.search(r"far - \? (Task failed: )?Failed to connect to the host via ssh", shown)
    assert "near - ? no Docker Engine answers at" in shown
    root = ElementTree.parse(tmp_path / "topology.svg").getroot()
    words = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"far", "near", "192.0.2.1", "no Consul agent answered"} <= words
