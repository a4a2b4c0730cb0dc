"""What each token of a secure cluster needs, call by call, and what Consul gives it besides."""

from __future__ import annotations

import dataclasses
from typing import Any

from rollcall_agents.secure_cluster import ONE, PLACES, SERVER, TWO

# Who asks.
STRANGERS = ("nobody", "a wrong token")
AGENT_1, AGENT_2 = AGENTS = (f"agent-{ONE}", f"agent-{TWO}")
HOST_1, HOST_2 = REGISTRATORS = ("registrator-host-1", "registrator-host-2")
BALANCERS = ("nginx-lb", "haproxy-lb")
DNS, OPERATOR = "dns", "operator"
OURS = (*AGENTS, *REGISTRATORS, *BALANCERS, DNS, OPERATOR)
EVERYBODY = (*STRANGERS, *OURS)
READERS = (*BALANCERS, DNS, OPERATOR)
NOBODY: tuple[str, ...] = ()

Request = tuple[str, str, Any]


@dataclasses.dataclass(frozen=True)
class Call:
    """A request that an agent is asked, and who may.

    `may` are those who need it, `along` those to whom Consul gives it with something they need;
    those `spared` are not asked for it, as the world would not outlive it. An answer `shows` what
    one that was filtered lacks. A boss makes the world ready by `before`, and as it was by `after`.
    Of one that is `endless`, only the beginning is read.
    """

    what: str
    request: Request
    may: tuple[str, ...] = (OPERATOR,)
    along: tuple[str, ...] = ()
    at: str = ONE
    shows: str = ""
    spared: tuple[str, ...] = ()
    endless: bool = False
    before: Request | None = None
    after: Request | None = None


# Requests


def get(path: str) -> Request:
    """A question."""
    return "GET", f"/v1/{path}", None


def put(path: str, body: Any = None) -> Request:
    """An order."""
    return "PUT", f"/v1/{path}", body


def post(path: str, body: Any = None) -> Request:
    """Something new."""
    return "POST", f"/v1/{path}", body


def delete(path: str, body: Any = None) -> Request:
    """Something less."""
    return "DELETE", f"/v1/{path}", body


def service(name: str, **more: Any) -> Request:
    """A service at the agent."""
    return put("agent/service/register", {"Name": name, **more})


def gone(name: str) -> Request:
    """The service leaves the agent."""
    return put(f"agent/service/deregister/{name}")


def node(name: str, **more: Any) -> Request:
    """A node, or something on it, past its agent."""
    place = {"Node": name, "Address": PLACES.get(name, "192.0.2.1")}
    return put("catalog/register", {**place, "SkipNodeUpdate": name in PLACES, **more})


def off(name: str, **more: Any) -> Request:
    """A node leaves the catalog, or something on it."""
    return put("catalog/deregister", {"Node": name, **more})


def written(name: str, on: str) -> Request:
    """A service of a node, past its agent."""
    return node(on, Service={"Service": name, "ID": name})


def transaction(**operation: Any) -> Request:
    """Writes of any kind, as one."""
    return put("txn", [operation])


TTL = {"Check": {"TTL": "1h", "Status": "passing"}}
SCRIPT = {"Args": ["/bin/true"], "Interval": "10s"}
OWN_CHECK = {"Check": {"CheckID": "ours", "Name": "ours", "Status": "passing"}}
FOUND = ("rollcall/haproxy/settings", "other/settings")
SPARE_KEY = "cm9sbGNhbGwgcm9sbGNhbGwgcm9sbGNhbGwgcm9sbGM="
EXACT = "connect/intentions/exact?source=web-1&destination=db-1"
ANONYMOUS = "00000000-0000-0000-0000-000000000002"

# What stands in the world. `web-` and `con` is how names begin that a Registrator registers, and
# `web-` how those that a balancer sees.
WORLD = (
    (ONE, service("web-1", **TTL)),
    (ONE, service("db-1", **TTL)),
    (TWO, service("web-2")),
    (TWO, service("db-2")),
    *((ONE, put(f"kv/{key}", "secret")) for key in FOUND),
    (ONE, put("session/create", {"Name": "somebodys", "Node": ONE})),
    (ONE, post("query", {"Name": "question-1", "Service": {"Service": "web-1"}})),
    (ONE, put("event/fire/news")),
)

# The table. An operator reads and heals everything, and changes no right. Who has the right to a
# service has it on every node, in the agents and past them: Consul has no other.
CALLS = (
    # At an agent
    Call(
        *("register web-9 at node-1", service("web-9"), (HOST_1, OPERATOR), (HOST_2,)),
        after=gone("web-9"),
    ),
    Call(
        *("register web-9 at node-2", service("web-9"), (HOST_2, OPERATOR), (HOST_1,)),
        at=TWO,
        after=gone("web-9"),
    ),
    Call(
        *("register console at node-1", service("console"), (HOST_1, OPERATOR), (HOST_2,)),
        after=gone("console"),
    ),
    Call("register db-9 at node-1", service("db-9"), after=gone("db-9")),
    Call(
        *("register consul at node-1", service("consul", ID="consul-9")),
        after=gone("consul-9"),
    ),
    Call(
        *("run a script for web-9", service("web-9", Check=SCRIPT), NOBODY),
        after=gone("web-9"),
    ),
    Call(
        *("run a script for node-1", put("agent/check/register", {"Name": "x", **SCRIPT}), NOBODY),
    ),
    Call(
        *("deregister web-9 at node-1", gone("web-9"), (HOST_1, OPERATOR), (HOST_2,)),
        before=service("web-9"),
        after=gone("web-9"),
    ),
    Call(
        *("deregister db-9 at node-1", gone("db-9")),
        before=service("db-9"),
        after=gone("db-9"),
    ),
    Call(
        *("say that web-1 is well", put("agent/check/pass/service:web-1")),
        *((HOST_1, OPERATOR), (HOST_2,)),
    ),
    Call("say that db-1 is well", put("agent/check/pass/service:db-1")),
    Call(
        *("maintain web-1", put("agent/service/maintenance/web-1?enable=true")),
        along=REGISTRATORS,
        after=put("agent/service/maintenance/web-1?enable=false"),
    ),
    Call(
        *("maintain db-1", put("agent/service/maintenance/db-1?enable=true")),
        after=put("agent/service/maintenance/db-1?enable=false"),
    ),
    Call(
        *("maintain node-1", put("agent/maintenance?enable=true")),
        along=(AGENT_1,),
        after=put("agent/maintenance?enable=false"),
    ),
    Call(
        *("maintain node-2", put("agent/maintenance?enable=true")),
        along=(AGENT_2,),
        at=TWO,
        after=put("agent/maintenance?enable=false"),
    ),
    Call(
        *("check node-1", put("agent/check/register", {"Name": "ours", "TTL": "1h"})),
        along=(AGENT_1,),
        after=put("agent/check/deregister/ours"),
    ),
    Call("read agent node-1", get("agent/self"), (HOST_1, OPERATOR)),
    Call("read agent node-2", get("agent/self"), (HOST_2, OPERATOR), at=TWO),
    Call("read agent server-1", get("agent/self"), at=SERVER),
    Call("read the metrics of node-1", get("agent/metrics"), along=(HOST_1,)),
    Call("read the host of node-1", get("agent/host")),
    Call("profile node-1", ("GET", "/debug/pprof/cmdline", None)),
    Call(
        *("follow the log of node-1", get("agent/monitor?loglevel=debug")),
        along=(HOST_1,),
        endless=True,
    ),
    Call("see server-1 among the members", get("agent/members"), READERS, shows='"server-1"'),
    Call(
        *("see web-1 at its agent", get("agent/services"), (HOST_1, *READERS)),
        *((HOST_2, *AGENTS),),
        shows='"web-1"',
    ),
    Call(
        *("see db-1 at its agent", get("agent/services"), (DNS, OPERATOR), AGENTS),
        shows='"db-1"',
    ),
    Call("read db-1 at its agent", get("agent/service/db-1"), (DNS, OPERATOR), AGENTS),
    Call(
        *("see the checks of db-1 at its agent", get("agent/checks"), (DNS, OPERATOR), AGENTS),
        shows='"db-1"',
    ),
    Call(
        *("read the health of db-1 at its agent", get("agent/health/service/name/db-1")),
        *((DNS, OPERATOR), AGENTS),
    ),
    Call(
        *("force nothing out", put("agent/force-leave/nothing")),
        shows="No node found with name",
    ),
    Call("let node-1 leave", put("agent/leave"), spared=(OPERATOR,)),
    Call("reload node-1", put("agent/reload")),
    Call("give node-1 a token", put("agent/token/default", {"Token": ""})),
    # Past the agents, into the catalog
    Call(
        *("write a check of node-1", node(ONE, **OWN_CHECK), (AGENT_1, OPERATOR)),
        after=off(ONE, CheckID="ours"),
    ),
    Call(
        *("write a check of node-2", node(TWO, **OWN_CHECK), (AGENT_2, OPERATOR)),
        after=off(TWO, CheckID="ours"),
    ),
    Call("write a new node", node("elsewhere"), after=off("elsewhere")),
    Call(
        *("write web-9 on node-1", written("web-9", ONE)),
        along=REGISTRATORS,
        after=off(ONE, ServiceID="web-9"),
    ),
    Call(
        *("write web-9 on node-2", written("web-9", TWO)),
        along=REGISTRATORS,
        after=off(TWO, ServiceID="web-9"),
    ),
    Call(
        *("write db-9 on node-1", written("db-9", ONE)),
        after=off(ONE, ServiceID="db-9"),
    ),
    Call(
        *("write consul on node-2", written("consul", TWO)),
        after=off(TWO, ServiceID="consul"),
    ),
    Call(
        *("strike db-9 off node-1", off(ONE, ServiceID="db-9"), (AGENT_1, OPERATOR)),
        before=written("db-9", ONE),
        after=off(ONE, ServiceID="db-9"),
    ),
    Call(
        *("strike db-9 off node-2", off(TWO, ServiceID="db-9"), (AGENT_2, OPERATOR)),
        before=written("db-9", TWO),
        after=off(TWO, ServiceID="db-9"),
    ),
    Call(
        *("strike web-9 off node-1", off(ONE, ServiceID="web-9"), (AGENT_1, OPERATOR)),
        along=REGISTRATORS,
        before=written("web-9", ONE),
        after=off(ONE, ServiceID="web-9"),
    ),
    Call(
        *("strike a node off", off("elsewhere")),
        before=node("elsewhere"),
        after=off("elsewhere"),
    ),
    Call(
        "write db-9 by a transaction",
        transaction(
            Service={"Verb": "set", "Node": ONE, "Service": {"ID": "db-9", "Service": "db-9"}}
        ),
        after=off(ONE, ServiceID="db-9"),
    ),
    Call(
        "strike a node off by a transaction",
        transaction(Node={"Verb": "delete", "Node": {"Node": "elsewhere"}}),
        before=node("elsewhere"),
        after=off("elsewhere"),
    ),
    # Out of the catalog
    Call(
        *("see web-1", get("catalog/services"), (HOST_1, *READERS), (AGENT_1,)),
        shows='"web-1"',
    ),
    Call(
        *("see web-2", get("catalog/services"), (HOST_2, *READERS), (AGENT_2,)),
        shows='"web-2"',
    ),
    Call(
        *("see db-1", get("catalog/services"), (AGENT_1, DNS, OPERATOR)),
        shows='"db-1"',
    ),
    Call(
        *("see the instances of web-1", get("health/service/web-1"), (HOST_1, *READERS)),
        *((AGENT_1,),),
        shows='"web-1"',
    ),
    Call(
        *("see the instances of db-1", get("health/service/db-1"), (AGENT_1, DNS, OPERATOR)),
        shows='"db-1"',
    ),
    Call(
        *("see node-1", get("catalog/nodes"), (AGENT_1, HOST_1, *READERS)),
        shows='"node-1"',
    ),
    Call(
        *("see node-2", get("catalog/nodes"), (AGENT_2, HOST_2, *READERS)),
        shows='"node-2"',
    ),
    Call(
        *("see node-2's health", get("health/node/node-2"), (AGENT_2, HOST_2, *READERS)),
        shows='"serfHealth"',
    ),
    Call(
        *("see node-2 as a browser", get("internal/ui/nodes"), (AGENT_2, HOST_2, *READERS)),
        shows='"node-2"',
    ),
    Call(
        *("see db-1 as a browser", get("internal/ui/services"), (AGENT_1, DNS, OPERATOR)),
        shows='"db-1"',
    ),
    Call("know who leads", get("status/leader"), EVERYBODY),
    Call("know the datacenters", get("catalog/datacenters"), EVERYBODY),
    # Keys
    Call("read a balancer's settings", get(f"kv/{FOUND[0]}"), (*BALANCERS, OPERATOR)),
    Call("read other settings", get(f"kv/{FOUND[1]}")),
    Call(
        *("list a balancer's settings", get("kv/?keys"), (*BALANCERS, OPERATOR)),
        shows=f'"{FOUND[0]}"',
    ),
    Call("list other settings", get("kv/?keys"), shows=f'"{FOUND[1]}"'),
    Call("take other settings in all", get("kv/?recurse"), shows=f'"{FOUND[1]}"'),
    *(
        Call(f"write {key}", put(f"kv/{key}", "x"), after=delete(f"kv/{key}"))
        for key in ("rollcall/haproxy/new", "other/new", "_rexec/job")
    ),
    Call(
        *("delete a balancer's setting", delete("kv/rollcall/haproxy/new")),
        before=put("kv/rollcall/haproxy/new", "x"),
        after=delete("kv/rollcall/haproxy/new"),
    ),
    Call(
        "write a balancer's setting by a transaction",
        transaction(KV={"Verb": "set", "Key": "rollcall/haproxy/new", "Value": ""}),
        after=delete("kv/rollcall/haproxy/new"),
    ),
    # Sessions, events, queries
    Call("make a session of node-1", put("session/create", {"Node": ONE, "TTL": "10s"})),
    Call("see sessions", get("session/list"), shows='"somebodys"'),
    Call("fire an event", put("event/fire/deploy"), NOBODY),
    Call("see events", get("event/list"), NOBODY, shows='"news"'),
    Call(
        "write a query",
        post("query", {"Name": "question-9", "Service": {"Service": "web-1"}}),
        NOBODY,
    ),
    Call(
        "write a query without a name",
        post("query", {"Service": {"Service": "web-1"}}),
        NOBODY,
    ),
    Call("see queries", get("query"), NOBODY, shows='"question-1"'),
    # Who may speak to whom
    Call("write an intention", put(EXACT, {"Action": "deny"}), NOBODY),
    Call(
        "write how web-1 speaks",
        put("config", {"Kind": "service-defaults", "Name": "web-1"}),
        along=REGISTRATORS,
        after=delete("config/service-defaults/web-1"),
    ),
    Call(
        "write how db-1 speaks",
        put("config", {"Kind": "service-defaults", "Name": "db-1"}),
        after=delete("config/service-defaults/db-1"),
    ),
    Call(
        "write how everybody speaks",
        put("config", {"Kind": "proxy-defaults", "Name": "global"}),
        NOBODY,
        after=delete("config/proxy-defaults/global"),
    ),
    Call("read the authority of the mesh", get("connect/ca/configuration")),
    Call("make a friend of another cluster", post("peering/token", {"PeerName": "x"}), NOBODY),
    # Rights
    Call("read its own token", get("acl/token/self"), OURS),
    Call("list tokens", get("acl/tokens")),
    Call("list policies", get("acl/policies")),
    Call("read the token of nobody", get(f"acl/token/{ANONYMOUS}")),
    Call("change the token of nobody", put(f"acl/token/{ANONYMOUS}", {}), NOBODY),
    Call("make a token", put("acl/token", {}), NOBODY),
    Call("make a policy", put("acl/policy", {"Name": "x"}), NOBODY),
    Call("make a role", put("acl/role", {"Name": "x"}), NOBODY),
    Call(
        *("make a way to log in", put("acl/auth-method", {"Name": "x", "Type": "jwt"}), NOBODY),
    ),
    Call("bootstrap the ACL system", put("acl/bootstrap"), NOBODY),
    # Operation
    Call("list the keys of the gossip", get("operator/keyring")),
    Call(
        *("install a key of the gossip", post("operator/keyring", {"Key": SPARE_KEY})),
        after=delete("operator/keyring", {"Key": SPARE_KEY}),
    ),
    Call("read who is in Raft", get("operator/raft/configuration")),
    Call(
        "take a peer out of Raft that is not in it",
        delete("operator/raft/peer?address=127.0.0.1:1"),
        shows="was not found in the Raft configuration",
    ),
    Call(
        *("have another lead", post("operator/raft/transfer-leader")),
        shows="cannot find peer",
    ),
    Call("read the autopilot", get("operator/autopilot/configuration")),
    # A client agent that passes a refusal on may be cut off before it has read it.
    Call("take a snapshot", get("snapshot"), NOBODY, at=SERVER),
    Call("restore a snapshot", put("snapshot"), NOBODY, at=SERVER),
)
