"""Two hosts, each with its Registrator, and one Consul on the first.

Seen red on the stack of three hosts.
"""

from __future__ import annotations

from typing import Any


def test_both_hosts_answer(host: Any) -> None:
    """Twelve requests reach both."""
    page = host.check_output("for n in $(seq 12); do curl -fsS http://10.111.152.136/; echo; done")
    assert {line.split()[3] for line in page.splitlines() if line} == {"host-1", "host-2"}


def test_only_the_first_host_has_an_agent(host: Any) -> None:
    """The second one's Registrator speaks to it."""
    names = host.check_output("docker ps --format '{{.Names}}'").split()
    assert ("consul-server" in names) == (host.check_output("hostname") == "host-1")
    assert "registrator" in names
