"""The program's connections to Consul, all of its processes together."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage

LIMIT = 8
# The established connections to a port that the processes of a container have, and those of a
# program that has ended count too until it is reaped.
COUNT = """
import glob, os, sys
sockets = set()
for path in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        sockets.add(os.readlink(path))
    except OSError:
        pass
lines = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
remote = f":{int(sys.argv[1]):04X}"
print(sum(
    line[2].endswith(remote) and line[3] == "01" and f"socket:[{line[9]}]" in sockets
    for line in lines
))
"""


def connections(stage: NginxStage) -> int:
    """How many there are now."""
    return int(stage.inside("python3", "-c", COUNT, str(stage.agent.port)))


def test_they_are_few_whatever_is_followed(stage: NginxStage) -> None:
    """Few services, many of them, or those with a tag."""
    stage.backend("one")
    names = ["web", *(f"service-{number}" for number in range(300))]
    services = [{"name": name, "path": "/" if name == "web" else f"/{name}"} for name in names]
    stage.start(services=services[:6])
    stage.serving("one")
    assert connections(stage) >= 6
    for settings in (
        {"services": services},
        {"services": services[:2], "discover": {}},
        {"services": services[:6]},
    ):
        stage.settings(**settings)
        stage.acknowledged()
        stage.serving("one")
        # Those of the settings before are closed meanwhile.
        stage.sees("few connections", lambda: connections(stage) <= LIMIT)
