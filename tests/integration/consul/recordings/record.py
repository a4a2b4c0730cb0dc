"""What real agents answer to the requests of modules and daemon, kept for the pure tests.

Five stories are played to real agents: a cluster that is well and then loses two of its agents,
an agent that guards its answers, one without a leader, one whose ACL system is bootstrapped, and
two whose gossip is encrypted. What differs from run to run is set to
a fixed value, so that a recording made anew leaves no difference where Consul has none.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import pathlib
import re
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.rollcall.discovery.plugins.module_utils._consul.acl.model import (
    Policy,
    Token,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.model import (
    Service,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import (
    FIRST_SECRET,
    KEYS,
    SECRET,
    WEB,
    WEB_POLICY,
    WEB_TOKEN,
    Recorded,
)
from rollcall_agents.agent import FOURTH, OTHER, THIRD, Agent, consul_version, free_ports
from rollcall_agents.clusters import (
    NO_FAILURE_DETECTION,
    STABLE_LEADERSHIP,
    client,
    guarded,
    joining,
    leaderless,
    running,
    server,
    token_with,
    untouched,
)

# The numbers and moments that are others in each run, by the name they stand under.
FIXED: dict[str, Any] = {
    **dict.fromkeys(("CreateIndex", "ModifyIndex"), 10),
    **dict.fromkeys(("LastIndex", "LastTerm"), 20),
    "LastContact": "1ms",
    **dict.fromkeys(("StableSince", "CreateTime"), "2026-01-01T00:00:00Z"),
    # A token's is one of its policies' identifiers too.
    "Hash": "hash",
    # Those of /v1/agent/self are texts.
    **dict.fromkeys(("applied_index", "commit_index", "last_log_index", "fsm_pending"), "20"),
    **dict.fromkeys(("term", "last_log_term", "last_contact"), "2"),
    **dict.fromkeys(("event_time", "member_time", "query_time", "health_score"), "2"),
    **dict.fromkeys(("event_queue", "intent_queue", "query_queue"), "0"),
}
# They tell of the machine that Consul runs on, and no module reads them.
DROPPED = {"DebugConfig", "Coord", "runtime"}
# A service's tags are in the order in which they were given, all else is in none.
ORDERED = {"Tags", "ServiceTags"}
# The headers that the modules read.
HEADERS = {"X-Consul-Results-Filtered-By-Acls"}
# Consul's own ports stand for those that were free here.
PORTS = {"server": "8300", "serf-lan": "8301"}
NODE_IDS = {
    f"node-{number}": f"00000000-0000-0000-0000-00000000000{number}" for number in range(1, 5)
}
OWN = Token.from_params(WEB_TOKEN)
KEPT = {*NODE_IDS.values(), FIRST_SECRET, SECRET, OWN.accessor}
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A dead server stays known for as long as it is looked at.
KEPT_SERVERS = (*STABLE_LEADERSHIP, "-hcl", "autopilot { cleanup_dead_servers = false }")

REGISTER = "/v1/agent/service/register"
# As the daemon of host-1 registers a container's port.
BY_REGISTRATOR = {
    "ID": "host-1:shop:80",
    "Name": "shop",
    "Address": "10.0.0.1",
    "Port": 32768,
    "Tags": ["blue"],
    "Meta": {
        "registrator-container": "0123456789ab",
        "registrator-hash": "0123456789abcdef",
        "registrator-owner": "host-1",
        "team": "a",
    },
}


@dataclasses.dataclass(frozen=True)
class Call:
    """One request, and the name that its answer is kept under."""

    name: str
    path: str
    verb: str = "GET"
    body: Any = None


def put(name: str, path: str, body: Any = None) -> Call:
    """A PUT."""
    return Call(name, path, "PUT", body)


NODES_OWN = urllib.parse.quote('ServiceID == ""')
FIRST = (
    put("register", f"{REGISTER}?replace-existing-checks=true", Service.from_params(WEB).payload()),
)
WELL = (
    Call("agent-self", "/v1/agent/self"),
    Call("agent-members", "/v1/agent/members"),
    Call("agent-services", "/v1/agent/services"),
    Call("agent-service", "/v1/agent/service/web-1"),
    Call("agent-service-unknown", "/v1/agent/service/nobody"),
    Call("agent-checks", "/v1/agent/checks"),
    Call("health-service", "/v1/health/service/web"),
    Call("health-service-consul", "/v1/health/service/consul"),
    Call("health-service-unknown", "/v1/health/service/nobody"),
    Call("health-state-of-nodes", f"/v1/health/state/any?filter={NODES_OWN}"),
    Call("catalog-datacenters", "/v1/catalog/datacenters"),
    Call("catalog-nodes", "/v1/catalog/nodes"),
    Call("catalog-nodes-wrong-filter", "/v1/catalog/nodes?filter=N==1"),
    Call("catalog-service", "/v1/catalog/service/web"),
    Call("catalog-services", "/v1/catalog/services"),
    Call("raft-configuration", "/v1/operator/raft/configuration"),
    Call("autopilot-configuration", "/v1/operator/autopilot/configuration"),
    Call("autopilot-health", "/v1/operator/autopilot/health"),
    Call("autopilot-state", "/v1/operator/autopilot/state"),
    Call("status-leader", "/v1/status/leader"),
    Call("status-peers", "/v1/status/peers"),
    put("register-bad-meta", REGISTER, {"Name": "web", "Meta": {"a.b": "c"}}),
    put("register-without-name", REGISTER, {"ID": "web-1"}),
    put("deregister-unknown", "/v1/agent/service/deregister/nobody"),
    put("check-update-unknown", "/v1/agent/check/update/service:nobody", {"Status": "passing"}),
)
OF_A_CLIENT = (Call("agent-self-of-client", "/v1/agent/self"),)
OF_THREE = (
    Call("raft-configuration-of-three", "/v1/operator/raft/configuration"),
    Call("autopilot-health-of-three", "/v1/operator/autopilot/health"),
)
LOST = (
    Call("agent-members-lost", "/v1/agent/members"),
    Call("autopilot-health-lost", "/v1/operator/autopilot/health"),
    Call("health-service-lost", "/v1/health/service/web"),
)
ANONYMOUS = (
    Call("anonymous-self", "/v1/agent/self"),
    Call("anonymous-members", "/v1/agent/members"),
)
POWERLESS = (
    Call("powerless-self", "/v1/agent/self"),
    Call("powerless-members", "/v1/agent/members"),
    put("powerless-register", REGISTER, {"Name": "web"}),
)
STRANGER = (Call("stranger-self", "/v1/agent/self"),)
LEADERLESS = (
    Call("leaderless-leader", "/v1/status/leader"),
    Call("leaderless-peers", "/v1/status/peers"),
    Call("leaderless-members", "/v1/agent/members"),
    Call("leaderless-raft-configuration", "/v1/operator/raft/configuration"),
    Call("leaderless-services", "/v1/catalog/services"),
)
UNTOUCHED = (Call("acl-untouched", "/v1/acl/policies"),)
POLICY = put("acl-policy", "/v1/acl/policy", Policy.from_params(WEB_POLICY).payload())
ACL = (
    Call("acl-policies", "/v1/acl/policies"),
    Call("acl-tokens", "/v1/acl/tokens"),
    Call("acl-token-self", "/v1/acl/token/self"),
    put("acl-policy-wrong-rules", POLICY.path, {**POLICY.body, "Name": "a", "Rules": "node {"}),
    put("acl-policy-wrong-right", POLICY.path, {"Name": "a", "Rules": 'acl = "wriet"'}),
    Call("keyring-off", "/v1/operator/keyring"),
)
UNKNOWN = (Call("acl-unknown", "/v1/acl/policies"),)
HIDING = (Call("acl-tokens-hidden", "/v1/acl/tokens"),)
KEYRING = "/v1/operator/keyring"
ONE_KEY = (Call("keyring", KEYRING),)
TWO_KEYS = (Call("keyring-of-two", KEYRING),)
SILENT = (Call("keyring-silent", KEYRING),)


def record(folder: pathlib.Path) -> dict[str, Recorded]:
    """Play the stories to agents that keep their data in `folder`; all answers by their names.

    All at once, for each waits for most of its time; each has agents of its own.
    """
    stories = (_cluster, _guarded, _leaderless, _acl, _keyring)
    with concurrent.futures.ThreadPoolExecutor(len(stories)) as pool:
        told = pool.map(lambda story: dict(story(folder / story.__name__)), stories)
        return {name: recording for answers in told for name, recording in answers.items()}


def _cluster(folder: pathlib.Path) -> Iterator[tuple[str, Recorded]]:
    """A server and a client with services; two more servers join; one and the client die."""
    one = server("node-1", folder, "-bootstrap-expect=1", *_as("node-1"), *KEPT_SERVERS)
    joins = joining(one.gossip)
    two = client("node-2", folder, *joins, *_as("node-2"), address=OTHER)
    three = server("node-3", folder, *joins, *_as("node-3"), *KEPT_SERVERS, address=THIRD)
    four = server("node-4", folder, *joins, *_as("node-4"), *KEPT_SERVERS, address=FOURTH)
    ask = Asker(one, two, three, four)
    with running(one, two):
        one.ready("both nodes", lambda: len(one.get("/v1/catalog/nodes")) == 2)
        yield from ask(one, FIRST)
        one.register("bare", "bare")
        one.call("PUT", REGISTER, BY_REGISTRATOR)
        one.call("PUT", "/v1/agent/service/maintenance/bare?enable=true&reason=new+kernel")
        two.register("web", "web-2", Address="192.0.2.8", Port=8080)
        one.ready("all in the catalog", lambda: _synced(one), 60)
        yield from ask(one, WELL)
        yield from ask(two, OF_A_CLIENT)
        with running(three, four):
            one.ready("one to spare", lambda: _pilot(one)["FailureTolerance"] == 1, 60)
            yield from ask(one, OF_THREE)
            two.kill()
            four.kill()
            one.ready("the loss of both", lambda: _lost(one), 60)
            yield from ask(one, LOST)


def _guarded(folder: pathlib.Path) -> Iterator[tuple[str, Recorded]]:
    """Requests without a token, with one that has no rights, with one that nobody made."""
    with guarded(folder, *_as("node-1")) as agent:
        ask = Asker(agent)
        powerless = token_with(agent, 'key_prefix "" { policy = "read" }')
        yield from ask(dataclasses.replace(agent, token=""), ANONYMOUS)
        yield from ask(dataclasses.replace(agent, token=powerless), POWERLESS)
        yield from ask(dataclasses.replace(agent, token=NODE_IDS["node-3"]), STRANGER)


def _leaderless(folder: pathlib.Path) -> Iterator[tuple[str, Recorded]]:
    """Requests to one server of three that never come."""
    with leaderless(folder, *_as("node-1")) as agent:
        yield from Asker(agent)(agent, LEADERLESS)


def _acl(folder: pathlib.Path) -> Iterator[tuple[str, Recorded]]:
    """An ACL system before its bootstrap and after it, with a policy and a token of ours."""
    with untouched(folder, *_as("node-1")) as agent:
        ask = Asker(agent)
        agent.token = FIRST_SECRET
        agent.ready("a leader", lambda: agent.get("/v1/status/leader"))
        yield from ask(agent, UNTOUCHED)
        first = {"BootstrapSecret": FIRST_SECRET}
        agent.ready("its bootstrap", lambda: agent.call("PUT", "/v1/acl/bootstrap", first))
        yield from ask(agent, (POLICY,))
        agent.call("PUT", "/v1/acl/token", {**OWN.payload(), "SecretID": SECRET})
        yield from ask(agent, ACL)
        reader = token_with(agent, 'acl = "read"')
        yield from ask(dataclasses.replace(agent, token=reader), HIDING)
        yield from ask(dataclasses.replace(agent, token=NODE_IDS["node-3"]), UNKNOWN)


def _keyring(folder: pathlib.Path) -> Iterator[tuple[str, Recorded]]:
    """A server and a client that encrypt; they get a second key, and then the client is silent."""
    (wan,) = free_ports(1)
    encrypted = f"-encrypt={KEYS[0]}"
    one = server(
        *("node-1", folder, "-bootstrap-expect=1", encrypted, *_as("node-1")),
        *("-hcl", f"ports {{ serf_wan = {wan} }}", *NO_FAILURE_DETECTION),
    )
    two = client("node-2", folder, encrypted, *joining(one.gossip), *_as("node-2"), address=OTHER)
    ask = Asker(one, two)
    with running(one, two):
        one.ready("both nodes", lambda: len(one.get("/v1/catalog/nodes")) == 2)
        yield from ask(one, ONE_KEY)
        one.call("POST", KEYRING, {"Key": KEYS[1]})
        yield from ask(one, TWO_KEYS)
        two.kill()
        yield from ask(one, SILENT)


class Asker:
    """Asks agents, and makes their answers the same in each run."""

    def __init__(self, *agents: Agent) -> None:
        """Know the ports of all agents that an answer may tell of."""
        self._ports = {
            **{str(agent.port): "8500" for agent in agents},
            **{str(agent.port_of(part)): port for agent in agents for part, port in PORTS.items()},
        }

    def __call__(self, agent: Agent, calls: Iterable[Call]) -> Iterator[tuple[str, Recorded]]:
        """The answers to the calls, by their names."""
        version = consul_version()
        for call in calls:
            found = agent.ask(call.verb, call.path, call.body)
            yield (
                call.name,
                Recorded(
                    consul=version,
                    request=f"{call.verb} {call.path}",
                    body=call.body,
                    status=found.status,
                    answer=self._fixed(_decoded(found.text)),
                    headers={key: value for key, value in found.headers.items() if key in HEADERS},
                ),
            )

    def _fixed(self, value: Any, name: str = "") -> Any:
        """A value, by the name it stands under, without what differs from run to run."""
        if name in FIXED:
            return FIXED[name]
        if isinstance(value, dict):
            kept = (key for key in value if key not in DROPPED)
            return {key: self._fixed(value[key], key) for key in kept}
        if isinstance(value, list):
            fixed = [self._fixed(each) for each in value]
            return fixed if name in ORDERED else sorted(fixed, key=json.dumps)
        if isinstance(value, str):
            named = UUID.sub(lambda found: _anonymous(found[0]), value)
            return re.sub(r"\b\d{4,5}\b", lambda found: self._ports.get(found[0], found[0]), named)
        if isinstance(value, int) and str(value) in self._ports:
            return int(self._ports[str(value)])
        return value


def _as(node: str) -> tuple[str, ...]:
    """The arguments of an agent that is this node in each run."""
    return f"-node={node}", f"-node-id={NODE_IDS[node]}"


def _anonymous(identifier: str) -> str:
    """An identifier that Consul made; ours stay."""
    return identifier if identifier in KEPT else "00000000-0000-0000-0000-000000000000"


def _decoded(text: str) -> Any:
    """An answer's content, None without any; an error's text is no JSON."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _synced(agent: Agent) -> bool:
    """Whether the catalog has all services, each as the agents have it, and autopilot is well."""
    web = agent.get("/v1/health/service/web")
    checks = {check["Status"] for entry in web for check in entry["Checks"]}
    bare = agent.get("/v1/health/service/bare")
    return (
        len(web) == 2
        and checks == {"passing", "warning"}
        and [len(entry["Checks"]) for entry in bare] == [2]
        and len(agent.get("/v1/catalog/service/shop")) == 1
        and _pilot(agent)["Healthy"]
        # Autopilot takes a server's metadata from the catalog, and looks there only now and then.
        and all(len(each["Meta"] or {}) == 2 for each in _state(agent).values())
    )


def _pilot(agent: Agent) -> Any:
    """What autopilot says of the servers' health; OSError while there is no leader to say it."""
    found = agent.ask("GET", "/v1/operator/autopilot/health")
    # Of a cluster that is not well it tells with the status of too many requests.
    if found.status not in (200, 429):
        raise OSError(found.text)
    return json.loads(found.text)


def _state(agent: Agent) -> Any:
    """What autopilot keeps of each server."""
    return agent.get("/v1/operator/autopilot/state")["Servers"]


def _lost(agent: Agent) -> bool:
    """Whether gossip, catalog and autopilot all know that two agents are gone."""
    web = agent.get("/v1/health/service/web")
    checks = [check for entry in web for check in entry["Checks"]]
    dead = [c for c in checks if (c["CheckID"], c["Status"]) == ("serfHealth", "critical")]
    failed = [member for member in agent.get("/v1/agent/members") if member["Status"] == 4]
    return len(dead) == 1 and len(failed) == 2 and not _pilot(agent)["Healthy"]
