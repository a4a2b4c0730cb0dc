"""The catalog of real agents is followed: what it reports is what `?passing` answers."""

from __future__ import annotations

import os
import random

from nginx_lb.discovery.catalog.follower import CatalogFollower
from nginx_lb.discovery.subscription import Report
from nginx_lb.settings.model import Consul, Discover, Settings
from rollcall_agents.agent import Agent
from rollcall_agents.clusters import Agents
from rollcall_agents.polling import eventually

from .stage import Stage

LB = {"Tags": ["lb"]}
TTL = {"Check": {"CheckID": "c", "TTL": "1h", "Status": "passing"}}


def passing(agent: Agent, name: str) -> list[str]:
    """The endpoints that Consul says pass."""
    found = {
        f"{entry['Service']['Address'] or entry['Node']['Address']}:{entry['Service']['Port']}"
        for entry in agent.get(f"/v1/health/service/{name}?passing")
    }
    return sorted(found)


def test_every_change_of_a_service_is_reported(agents: Agents, follows: Stage) -> None:
    """Registered, another port, address, weight and tag, deregistered."""
    own = agents.own
    follows.follow("web")
    follows.sees(web=[])
    own.register("web", "a", Address="10.0.0.1", Port=80)
    follows.sees(web=["10.0.0.1:80"])
    own.register("web", "a", Address="10.0.0.1", Port=81)
    follows.sees(web=["10.0.0.1:81"])
    own.register("web", "a", Address="10.0.0.2", Port=81)
    follows.sees(web=["10.0.0.2:81"])
    own.register("web", "a", Port=81)
    follows.sees(web=["127.0.0.1:81"])
    own.register("web", "a", Port=81, Weights={"Passing": 7, "Warning": 1}, Tags=["x"])

    def seen() -> bool:
        declared = follows.reported and follows.discovery.declared
        [instance] = declared.services["web"] if declared else []
        return (instance.weight, instance.tags) == (7, ("x",))

    eventually("weight and tag", seen)
    own.call("PUT", "/v1/agent/service/deregister/a")
    follows.sees(web=[])


def test_a_tag_discovers_a_service(agents: Agents, follows: Stage) -> None:
    """With its instances on every node, for as long as they have the tag."""
    follows.follow()
    agents.own.register("api", "a", Address="10.0.0.1", Port=80, **LB)
    agents.other.register("api", "a", Address="10.0.0.2", Port=80, **LB)
    agents.other.register("db", "d", Address="10.0.0.3", Port=80)
    follows.sees(api=["10.0.0.1:80", "10.0.0.2:80"])
    agents.own.register("api", "a", Address="10.0.0.1", Port=80)
    follows.sees(api=["10.0.0.2:80"])
    agents.other.call("PUT", "/v1/agent/service/deregister/a")
    follows.sees()


def test_checks_and_maintenance_take_instances_out(agents: Agents, follows: Stage) -> None:
    """warning is not passing, and maintenance is of an instance or of all on its node."""
    other, one, two = agents.other, "10.0.0.1:80", "10.0.0.2:80"
    agents.own.register("web", "a", Address="10.0.0.1", Port=80)
    other.register("web", "b", Address="10.0.0.2", Port=80, **TTL)
    follows.follow("web")
    follows.sees(web=[one, two])
    for path, expected in (
        ("check/warn/c", [one]),
        ("check/pass/c", [one, two]),
        ("check/fail/c", [one]),
        ("check/pass/c", [one, two]),
        ("service/maintenance/b?enable=true", [one]),
        ("service/maintenance/b?enable=false", [one, two]),
        ("maintenance?enable=true", [one]),
        ("maintenance?enable=false", [one, two]),
    ):
        other.call("PUT", f"/v1/agent/{path}")
        follows.sees(web=expected)


def test_a_lost_node_takes_its_instances_along(agents: Agents, follows: Stage) -> None:
    """Its serfHealth fails; when the agent is back, so are they."""
    agents.own.register("web", "a", Address="10.0.0.1", Port=80)
    agents.other.register("web", "b", Address="10.0.0.2", Port=80)
    follows.follow("web")
    follows.sees(web=["10.0.0.1:80", "10.0.0.2:80"])
    agents.other.kill()
    follows.sees(web=["10.0.0.1:80"])
    agents.other.start()
    follows.sees(web=["10.0.0.1:80", "10.0.0.2:80"])


def test_an_instance_that_never_passed_is_never_reported(agents: Agents) -> None:
    """Neither between its registration and its check, nor while both are deregistered."""
    seen: list[Report | None] = []
    options = Settings(
        services=(), discover=Discover(), consul=Consul(agents.own.address, agents.own.port)
    )
    agents.other.register("web", "good", Address="10.0.0.1", Port=80, **LB)
    follower = CatalogFollower(options, lambda: seen.append(follower.read()))

    def good(port: int) -> bool:
        agents.other.register("web", "good", Address="10.0.0.1", Port=port, **LB)
        return eventually("the good one", lambda: f":{port}'" in repr(ports()))

    def ports() -> set[str]:
        return {
            f":{each.endpoint.port}"
            for report in tuple(seen)
            if report and report.discovered
            for each in report.discovered.services.get("web", ())
        }

    try:
        critical = {"Check": {"CheckID": "bad", "TTL": "1h", "Status": "critical"}}
        for number in range(40):
            agents.other.register("web", "bad", Address="10.0.0.9", Port=9, **LB, **critical)
            if number % 4 == 0:
                assert good(1000 + number)
            agents.other.call("PUT", "/v1/agent/service/deregister/bad")
        assert good(2000)
    finally:
        follower.stop()
    assert ":9" not in ports()


def test_it_is_what_consul_says_whatever_happens(agents: Agents, follows: Stage) -> None:
    """Random changes, through agents and past them; Consul takes Api and api for one service.

    BALANCER_FUZZ_SEED names the seed to see a failure again.
    """
    seed = int(os.environ.get("BALANCER_FUZZ_SEED") or random.randrange(2**32))
    print(f"BALANCER_FUZZ_SEED={seed}")
    changes = Changes(agents, random.Random(seed))

    def right() -> bool:
        truth = {name: passing(agents.own, name) for name in ("web", "Api", "none")}
        tagged = {name: passing(agents.own, name) for name in ("lb-1", "lb-2")}
        return follows.reported == truth | {name: each for name, each in tagged.items() if each}

    follows.follow("web", "Api", "none")
    for _ in range(60):
        last = changes.make()
        eventually(f"the truth after {last}", right)


class Changes:
    """Random changes of the catalog."""

    def __init__(self, agents: Agents, chosen: random.Random) -> None:
        """Make none yet."""
        self._agents = (agents.own, agents.other)
        self._chosen = chosen

    def make(self) -> tuple[str, str, object]:
        """One change, and the request that made it."""
        of = self._chosen.choice
        agent, number = of(self._agents), of([0, 1, 2])
        name = of(["web", "WEB", "api", "lb-1", "lb-2", "other"])
        identifier, address = f"{name}-{number}", f"10.0.0.{number}"
        node = {"Node": of(["n1", "a b", "n/2", "n:3"]), "Address": f"10.1.0.{number}"}
        service = {
            "ID": identifier,
            "Port": of([80, 81]),
            "Address": of([address, ""]),
            "Tags": ["lb"] if name.startswith("lb") else [],
        }
        check = {"CheckID": f"c-{identifier}", "TTL": "1h", "Status": of(["passing", "critical"])}
        of_node = {"Node": node["Node"], "CheckID": "n", "Name": "n", "Status": check["Status"]}
        path, body = of(
            [
                ("agent/service/register", {**service, "Name": name}),
                ("agent/service/register", {**service, "Name": name, "Check": check}),
                (f"agent/service/deregister/{identifier}", None),
                (f"agent/check/{of(['pass', 'warn', 'fail'])}/c-{identifier}", None),
                (f"agent/service/maintenance/{identifier}?enable={of(['true', 'false'])}", None),
                (f"agent/maintenance?enable={of(['true', 'false'])}", None),
                ("catalog/register", {**node, "Service": {**service, "Service": name}}),
                ("catalog/register", {**node, "Check": of_node}),
                ("catalog/deregister", {**node, "ServiceID": identifier}),
                ("catalog/deregister", {"Node": node["Node"]}),
            ]
        )
        agent.ask("PUT", f"/v1/{path}", body)
        return agent.node, path, body
