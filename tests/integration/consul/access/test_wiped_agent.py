"""An agent of a secure cluster that lost its data leaves no ghost (hashicorp/consul#5209)."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil

from rollcall_agents.secure_cluster import ONE, SERVER, TWO, plain, secure_cluster

DEADLINE = 60


def test_what_a_wiped_agent_ran_is_struck_off(tmp_path: pathlib.Path) -> None:
    """With its own token alone: the tokens that registered it are forgotten with its data.

    Services of a Registrator and of an operator go, with their checks, and a check of the node's
    own. Another node's service stays.
    """
    with secure_cluster(tmp_path) as cluster:
        first, agent = cluster.agents[SERVER], cluster.agents[ONE]
        check = {"Check": {"TTL": "1h", "Status": "passing"}}
        for node, who, name in (
            (ONE, "registrator-host-1", "web-1"),
            (ONE, "operator", "db-1"),
            (TWO, "registrator-host-2", "web-2"),
        ):
            own = dataclasses.replace(plain(cluster.agents[node]), token=cluster.secrets.token(who))
            own.register(name, name, **check)
        agent.call("PUT", "/v1/agent/check/register", {"Name": "disk", "TTL": "1h"})
        wanted = {"serfHealth", "disk", "service:web-1", "service:db-1"}

        def checks() -> set[str]:
            return {each["CheckID"] for each in first.get(f"/v1/health/node/{ONE}")}

        first.ready("all of it", lambda: checks() == wanted and first.catalog("web-2"))
        before = first.get(f"/v1/catalog/node/{ONE}")["Node"]

        agent.kill()
        shutil.rmtree(agent.folder / "data")
        began = len((agent.folder / "log").read_text())
        first.ready("its loss", lambda: not cluster.alive())
        assert first.catalog("web-1")
        agent.launch()

        first.ready("its return", cluster.alive, DEADLINE)
        first.ready("no ghost", lambda: checks() == {"serfHealth"}, DEADLINE)
        assert first.catalog("web-1") == first.catalog("db-1") == set()
        assert first.catalog("web-2") == {(TWO, "web-2")}
        assert first.get(f"/v1/catalog/node/{ONE}")["Node"]["ID"] == before["ID"]
        said = (agent.folder / "log").read_text()[began:]
        assert "Deregistered service: service=web-1" in said
        assert "blocked by ACLs" not in said
