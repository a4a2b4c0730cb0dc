"""Ports for agents that are started side by side."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from rollcall_agents.agent import free_ports
from rollcall_agents.modules import ROOT

# A process that has got this port, and lives until it is told to end.
HOLDER = """\
import random, sys
sys.path.insert(0, "lab")
from rollcall_agents import agent
random.choice = lambda _ports: {port}
print(agent.free_ports(1), flush=True)
sys.stdin.read()
"""


def test_a_port_is_given_to_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens there yet, and whoever asks meanwhile gets another; later it is free again."""
    port, other = free_ports(2)
    program = HOLDER.format(port=other + 1)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline().decode() == f"[{other + 1}]\n"
        chosen = iter([port, other + 1, 9_999])
        monkeypatch.setattr(random, "choice", lambda _ports: next(chosen))
        assert free_ports(1) == [9_999]
        holder.stdin.close()
    monkeypatch.setattr(random, "choice", lambda _ports: other + 1)
    assert free_ports(1) == [other + 1]
