"""What keeps a module from its cluster is told in one sentence, and no secret with it."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import json
import pathlib
import socket
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.plays import played
from ansible_collections.rollcall.discovery.tests.support.recorded import KEYS
from rollcall_agents.agent import LOCAL, Agent, consul_binary
from rollcall_agents.clusters import guarded, leaderless, running, server, token_with
from rollcall_agents.polling import eventually

from ..conftest import ask, surroundings

SERVICE, STATUS, AUDIT, ACL, KEYRING = (
    f"rollcall.discovery.{name}"
    for name in (
        *("consul_service", "consul_cluster_status", "registrator_audit"),
        *("consul_acl", "consul_keyring"),
    )
)
# In each, the first request that an agent without rights refuses.
MODULES: dict[str, dict[str, Any]] = {
    SERVICE: {"name": "web"},
    STATUS: {},
    AUDIT: {"hostname": "host-1", "wait_timeout": 0},
    ACL: {"wait_timeout": 0},
    KEYRING: {"key": KEYS[0], "wait_timeout": 0},
}


@pytest.fixture(scope="module", name="guarded")
def _guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A server that forbids whatever a token does not allow; ours may do all."""
    with guarded(tmp_path_factory.mktemp("acl"), f"-encrypt={KEYS[0]}") as agent:
        yield agent


@pytest.fixture(scope="module", name="authorities")
def _authorities(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with two authorities, and a server's certificate by the first."""
    folder = tmp_path_factory.mktemp("tls")
    signer = ("-ca", "first-agent-ca.pem", "-key", "first-agent-ca-key.pem")
    for command in (
        ("ca", "create", "-domain", "first"),
        ("ca", "create", "-domain", "second"),
        ("cert", "create", "-server", "-domain", "first", *signer),
        ("cert", "create", "-client", "-domain", "first", *signer),
    ):
        subprocess.run(
            [consul_binary(), "tls", *command], cwd=folder, check=True, capture_output=True
        )
    return folder


@pytest.fixture(scope="module", name="sealed")
def _sealed(tmp_path_factory: pytest.TempPathFactory, authorities: pathlib.Path) -> Iterator[Agent]:
    """A server that speaks TLS with those alone whose certificate its authority signed."""
    tls = {
        "ca_file": str(authorities / "first-agent-ca.pem"),
        "cert_file": str(authorities / "dc1-server-first-0.pem"),
        "key_file": str(authorities / "dc1-server-first-0-key.pem"),
    }
    files = tmp_path_factory.mktemp("sealed")
    (files / "tls.json").write_text(
        json.dumps({"tls": {"defaults": tls, "https": {"verify_incoming": True}}})
    )
    agent = server(
        *("sealed", files, "-bootstrap-expect=1", f"-config-file={files / 'tls.json'}"),
        authority=authorities / "first-agent-ca.pem",
        identity=_client(authorities),
    )
    with running(agent):
        agent.ready("a leader", lambda: agent.get("/v1/status/leader"))
        yield agent


@pytest.fixture(scope="module", name="leaderless")
def _leaderless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """One server of three that never come."""
    with leaderless(tmp_path_factory.mktemp("alone")) as agent:
        yield agent


@pytest.fixture(name="silent")
def _silent() -> Iterator[str]:
    """The address of something that accepts, and never answers."""
    with socket.socket() as listening:
        listening.bind((LOCAL, 0))
        listening.listen()
        yield f"{LOCAL}:{listening.getsockname()[1]}"


def healthy(agent: Agent) -> bool:
    """Whether autopilot calls the servers healthy; OSError while it does not."""
    return bool(agent.get("/v1/operator/autopilot/health")["Healthy"])


def _client(authorities: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Certificate and key of a client that the first authority signed."""
    return authorities / "dc1-client-first-0.pem", authorities / "dc1-client-first-0-key.pem"


def failed(result: dict[str, Any], *parts: str) -> str:
    """The sentence a module failed with: one line that holds every part, and no traceback."""
    message: str = result.get("msg", "")
    assert result.get("failed"), result
    assert "\n" not in message, message
    assert "Traceback" not in json.dumps(result)
    assert " object at 0x" not in message
    assert len(message) < 400, message
    missing = [part for part in parts if part not in message]
    assert not missing, message
    return message


@pytest.fixture(name="fails", params=list(MODULES), ids=lambda name: name.rpartition(".")[2])
def _fails(request: pytest.FixtureRequest, engine: str) -> Any:
    """Each module in turn, with the connection that a test gives; the sentence it fails with."""
    name: str = request.param
    more = {"docker_host": engine} if name == AUDIT else {}

    def fails(options: dict[str, Any], *parts: str) -> str:
        return failed(ask(name, {**MODULES[name], **more, **options}), *parts)

    return fails


# One sentence


def test_a_token_without_rights_is_told_which_it_lacks(fails: Any, guarded: Agent) -> None:
    """Request, address, Consul's own word on the missing right, and the remedy."""
    token = token_with(guarded, 'key_prefix "" { policy = "read" }')
    message = fails(
        {"url": guarded.url, "token": token},
        f" at {guarded.url}: permission denied",
        *("/v1/", "lacks permission", "Grant the ACL token this permission"),
    )
    assert token not in message


def test_without_a_token_the_places_for_one_are_named(fails: Any, guarded: Agent) -> None:
    """Who has no token learns where it goes."""
    fails(
        {"url": guarded.url},
        f" at {guarded.url}: permission denied",
        "Give an ACL token with this permission in token, token_file or CONSUL_HTTP_TOKEN",
    )


def test_a_token_that_nobody_made_is_told_from_one_without_rights(
    fails: Any, guarded: Agent
) -> None:
    """Rights would not help it."""
    token = str(uuid.uuid4())
    message = fails(
        {"url": guarded.url, "token": token},
        *(f" at {guarded.url}: permission denied", "Consul does not know this ACL token"),
    )
    assert token not in message


@pytest.mark.parametrize(
    ("url", "cause", "remedy"),
    [
        ("http://127.0.0.1:1", "connection refused", "a Consul agent listens there"),
        ("http://consul.invalid:8500", "the host name does not resolve", "the host's DNS"),
    ],
)
def test_a_wrong_address_is_named(fails: Any, url: str, cause: str, remedy: str) -> None:
    """The cause is the system's, without the addresses of our libraries' objects."""
    fails({"url": url}, f" at {url}: no answer ({cause})", remedy)


def test_a_silent_address_costs_no_more_than_the_timeout(fails: Any, silent: str) -> None:
    """A socket that accepts and never answers, with TLS and without."""

    def waits_in_vain(scheme: str) -> None:
        url = f"{scheme}://{silent}"
        fails({"url": url, "timeout": 1}, f" at {url}: no answer (not within 1 s)", "'timeout'")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(waits_in_vain, ("http", "https")))


def test_a_wrong_authority_is_named(fails: Any, sealed: Agent, authorities: pathlib.Path) -> None:
    """Neither another authority nor the system's own signed the agent's certificate."""
    other = {"ca_path": str(authorities / "second-agent-ca.pem")}
    for options in (other, {}):
        fails(
            {"url": sealed.url, **options},
            *(f" at {sealed.url}: no answer (", "certificate", "ca_path (CONSUL_CACERT)"),
        )


def test_a_missing_client_certificate_is_named(
    fails: Any, sealed: Agent, authorities: pathlib.Path
) -> None:
    """The agent ends the handshake; the options that would have satisfied it are named."""
    trusted = {"url": sealed.url, "ca_path": str(authorities / "first-agent-ca.pem")}
    fails(trusted, f" at {sealed.url}: no answer (TLS: ", "client_cert and client_key")
    absent = {"client_cert": "/no/such.pem", "client_key": "/no/such.pem"}
    fails(
        {**trusted, **absent}, "the file /no/such.pem does not exist", "client_cert and client_key"
    )


def test_a_certificate_for_another_name_is_told(
    fails: Any, sealed: Agent, authorities: pathlib.Path
) -> None:
    """127.0.0.1 stands in it, 127.1 (the same address) does not."""
    url = sealed.url.replace("127.0.0.1", "127.1")
    fails(
        {"url": url, "ca_path": str(authorities / "first-agent-ca.pem")},
        *(f" at {url}: no answer (", "address of the agent's certificate in 'url'"),
    )


def test_the_wrong_scheme_is_told(fails: Any, sealed: Agent, guarded: Agent) -> None:
    """Each of the two is answered with the other."""
    plain = sealed.url.replace("https", "http")
    fails({"url": plain}, f" at {plain}: the agent requires TLS on this port", "https://")
    secure = guarded.url.replace("http", "https")
    fails({"url": secure}, f" at {secure}: no answer (", "http://")


def test_with_the_right_certificates_it_goes_through(
    sealed: Agent, authorities: pathlib.Path
) -> None:
    """What the failures ask for is enough."""
    certificate, key = _client(authorities)
    options = {"ca_path": str(authorities / "first-agent-ca.pem"), "url": sealed.url}
    sealed.ready("a healthy server", lambda: healthy(sealed))
    result = ask(STATUS, {**options, "client_cert": str(certificate), "client_key": str(key)})
    assert (result["verdict"], result["reasons"]) == ("ok", [])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (SERVICE, {"name": "web", "deduplicate": "report"}),
        (AUDIT, {"hostname": "host-1", "wait_timeout": 0}),
    ],
    ids=["consul_service", "registrator_audit"],
)
def test_without_a_leader_the_cluster_is_named(
    leaderless: Agent, engine: str, name: str, options: dict[str, Any]
) -> None:
    """What needs the catalog fails with the place to look at."""
    more = {"docker_host": engine} if name == AUDIT else {}
    failed(
        ask(name, {**options, **more, "url": leaderless.url, "timeout": 30}),
        *(f" at {leaderless.url}: ", "No cluster leader", "consul_cluster_status"),
    )
    failed(
        ask(name, {**options, **more, "url": leaderless.url, "timeout": 1}),
        *(
            f" at {leaderless.url}: no answer within 1 s because there is no leader",
            "cluster_status",
        ),
    )


def test_a_cluster_without_a_leader_is_down_and_no_leader_to_wait_for(leaderless: Agent) -> None:
    """The report says so; who waits for a leader learns at the deadline what is missing."""
    result = ask(STATUS, {"url": leaderless.url})
    assert (result["verdict"], result["leader"], result["leader_node"]) == ("down", "", "")
    assert result["reasons"] == ["there is no leader: nothing can be written"]
    wanted = {"wait_for": {"leader": True}, "wait_timeout": 1}
    failed(
        ask(STATUS, {"url": leaderless.url, **wanted}),
        *("after 1 s the cluster lacks: a leader", leaderless.url, "nothing can be written"),
        "wait_timeout",
    )


def test_an_agent_without_a_leader_takes_a_service_all_the_same(leaderless: Agent) -> None:
    """The agent has it, and tells the catalog once there is a leader."""
    result = ask(SERVICE, {"name": "web", "url": leaderless.url, "timeout": 30})
    assert (result["action"], list(leaderless.get("/v1/agent/services"))) == ("registered", ["web"])


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"url": "http://user:canary@127.0.0.1:1"}, "more than scheme, host and port"),
        ({"url": "http://127.0.0.1:1/?token=canary"}, "more than scheme, host and port"),
        ({"token": "can\nary"}, "the option token contains a line break"),
        ({"token": "can€ary"}, "the option token contains"),
        ({"url": f"http://{'a' * 64}.example:1"}, "at http://aaaa"),
    ],
)
def test_what_no_request_could_bear_is_refused(
    fails: Any, options: dict[str, Any], part: str
) -> None:
    """No library's own error comes through, which would quote what may be secret."""
    message = fails({"url": "http://127.0.0.1:1", **options}, part)
    assert "ary" not in message


@pytest.mark.parametrize("name", [SERVICE, STATUS])
def test_a_timeout_of_nothing_is_refused(name: str) -> None:
    """No library's own error comes through."""
    failed(ask(name, {**MODULES[name], "timeout": 0}), "timeout is 0")


# What the token may not see

READER = 'agent_prefix "" { policy = "read" } operator = "read"'


@pytest.mark.parametrize(
    ("rights", "verdict", "reasons"),
    [
        (READER, "unknown", ["no member is visible because the token lacks node:read"]),
        (READER + ' node_prefix "" { policy = "read" }', "ok", []),
    ],
    ids=["without node:read", "with node:read"],
)
def test_a_cluster_of_which_no_member_is_seen_is_not_called_well(
    guarded: Agent, rights: str, verdict: str, reasons: list[str]
) -> None:
    """Consul answers a token without node:read with status 200 and an empty list."""
    token = token_with(guarded, rights)
    guarded.ready("a healthy server", lambda: healthy(guarded))
    result = ask(STATUS, {"url": guarded.url, "token": token})
    assert result["verdict"] == verdict
    assert [reason.partition(". ")[0] for reason in result["reasons"]] == reasons
    assert all(reason in str(result["warnings"]) for reason in reasons)
    assert bool(reasons) is bool(result.get("warnings"))


def test_who_waits_for_members_that_cannot_be_seen_learns_why(guarded: Agent) -> None:
    """The deadline's sentence names the right that is missing, not only the number."""
    token = token_with(guarded, READER)
    wanted = {"wait_for": {"members": 1}, "wait_timeout": 0}
    failed(
        ask(STATUS, {"url": guarded.url, "token": token, **wanted}),
        *("members 0 of 1", "the token lacks node:read", guarded.url),
    )


def test_a_token_that_may_not_ask_the_operator_fails(guarded: Agent) -> None:
    """Without operator:read neither peers nor autopilot are known: nobody calls that well."""
    rules = 'agent_prefix "" { policy = "read" } node_prefix "" { policy = "read" }'
    token = token_with(guarded, rules)
    failed(
        ask(STATUS, {"url": guarded.url, "token": token}),
        *(
            "/v1/operator/raft/configuration",
            "operator:read",
            "Grant the ACL token this permission",
        ),
    )


# Secrets


@dataclasses.dataclass(frozen=True)
class Ways:
    """How a token is given to a module: the options of each way, and the token that it gives."""

    options: dict[str, dict[str, Any]]
    tokens: dict[str, str]

    @classmethod
    def of(cls, agent: Agent, folder: pathlib.Path) -> Ways:
        """Three that an agent knows: as option, from a file and from the environment."""
        services = ' service_prefix "" { policy = "write" }'
        rules = f'{READER} acl = "read" keyring = "read" node_prefix "" {{ policy = "read" }}'
        tokens = {
            way: token_with(agent, rules + services) for way in ("option", "file", "environment")
        }
        (folder / "token").write_text(f"{tokens['file']}\n")
        file = {"token_file": str(folder / "token")}
        return cls({"option": {"token": tokens["option"]}, "file": file, "environment": {}}, tokens)

    def broken(self, folder: pathlib.Path) -> dict[str, dict[str, Any]]:
        """These ways, and two that no request could bear."""
        (folder / "broken").write_text(f"{self.tokens['file']}\n" * 2)
        return {
            **self.options,
            "two lines": {"token_file": str(folder / "broken")},
            "two lines as option": {"token": "\n".join([self.tokens["option"]] * 2)},
        }

    def environment(self, agent: Agent) -> dict[str, str]:
        """What modules find there."""
        token = self.tokens["environment"]
        return {"CONSUL_HTTP_ADDR": agent.url, "CONSUL_HTTP_TOKEN": token}

    def leaks(self, text: str) -> list[str]:
        """The lines of a text with one of the tokens, and its way."""
        return [
            f"{way}: {line}"
            for way, token in self.tokens.items()
            for line in text.splitlines()
            if token in line
        ]


NOWHERE = {"url": "http://127.0.0.1:1"}


def test_a_token_is_in_no_line_of_a_plays_output(
    guarded: Agent, engine: str, tmp_path: pathlib.Path
) -> None:
    """As option, from a file and from the environment, in success and failure, at -vvv.

    Every module is asked in every way. Of what a play adds to an answer, it sees each module and
    each way once in success and once in failure.
    """
    ways = Ways.of(guarded, tmp_path)
    works, broken = ways.options, ways.broken(tmp_path)
    more = {AUDIT: {"docker_host": engine, "virtualenv": "/no/such"}}
    modules = {name: {**options, **more.get(name, {})} for name, options in MODULES.items()}
    loud = {"_ansible_verbosity": 3, "_ansible_diff": True}
    for name, options in modules.items():
        for given, failing in ((works, {}), (broken, NOWHERE)):
            for way, token in given.items():
                wanted = {**options, **token, **failing, **loud}
                result = ask(name, wanted, ways.environment(guarded))
                assert bool(result.get("failed")) is bool(failing), (name, way, result)
                assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in json.dumps(result) or (
                    "token" not in token
                )
                assert ways.leaks(json.dumps(result)) == [], (name, way)
    tasks = [
        {"name": f"{way} works", name: {**modules[name], **works[way]}}
        for name, way in zip(modules, itertools.cycle(works), strict=False)
    ]
    tasks += [
        {"name": f"{way} fails", name: {**modules[name], **broken[way], **NOWHERE}, **IGNORED}
        for name, way in zip(modules, broken, strict=True)
    ]
    output = _played(guarded, ways, tasks, tmp_path)
    assert f"ignored={len(broken)} " in output, output[-2000:]
    # The invocation is there, or nothing was looked at.
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in output
    assert ways.leaks(output) == []
    eventually("the service in the catalog", lambda: guarded.catalog("web"))


IGNORED = {"ignore_errors": True}


def _played(agent: Agent, ways: Ways, tasks: list[dict[str, Any]], folder: pathlib.Path) -> str:
    """What a play of these tasks says at -vvv, with one that hands the token's file on."""
    # A play's own text stands in Ansible's messages: a token belongs into a variable.
    (folder / "variables.json").write_text(json.dumps({"secret": ways.tokens["option"]}))
    text = json.dumps(tasks).replace(ways.tokens["option"], "{{ secret }}")
    daemon = {
        "name": "token_file is handed on",
        "rollcall.discovery.registrator_container": {
            "docker_host": "tcp://127.0.0.1:1",
            "hostname": "host-1",
            "token_file": str(folder / "token"),
        },
        "check_mode": True,
    }
    status, output = played(
        [{"hosts": "localhost", "gather_facts": False, "tasks": [*json.loads(text), daemon]}],
        folder,
        *("-vvv", "--diff", "-e", f"@{folder / 'variables.json'}"),
        environment={**surroundings(), **ways.environment(agent)},
    )
    assert status == 0, output
    return output
