"""Requests to an agent: what is sent, and what its answer means."""

from __future__ import annotations

import json
import re
import socket
import ssl
import typing as t

import pytest
import requests
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.service.registry import (
    read_service,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
    ConsulClient,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    TRANSIENT,
    ConsulError,
    Forbidden,
    RequestRefused,
    Unavailable,
    Unreachable,
)
from ansible_collections.rollcall.discovery.tests.support.recorded import answer, recorded

AGENT = "http://127.0.0.1:8500"


class FakeAgent:
    """Answers every request alike, or not at all, and keeps the last one."""

    def __init__(self) -> None:
        """An agent that has nothing to say."""
        self.status = 200
        self.body = ""
        self.headers: dict[str, str] = {}
        self.error: Exception | None = None
        self.requests: list[requests.PreparedRequest] = []
        self.how: dict[str, t.Any] = {}

    @property
    def request(self) -> requests.PreparedRequest:
        """The last request."""
        return self.requests[-1]

    def play(self, recording: str) -> None:
        """Answer as Consul did in a recording."""
        found = recorded(recording)
        self.status, self.body, self.headers = found.status, found.text, dict(found.headers)

    def send(self, request: requests.PreparedRequest, **how: t.Any) -> requests.Response:
        """Answer a request that is ready for the wire."""
        self.requests.append(request)
        self.how = how
        if self.error:
            raise self.error
        response = requests.Response()
        response.status_code = self.status
        response.headers.update(self.headers)
        response._content = self.body.encode()
        return response


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> FakeAgent:
    """The agent behind every address."""
    fake = FakeAgent()
    monkeypatch.setattr(requests.Session, "send", lambda _session, *a, **kw: fake.send(*a, **kw))
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    return fake


def client(url: str = AGENT, **connection: t.Any) -> ConsulClient:
    """A client of an agent."""
    return ConsulClient(Connection(url, **connection))


# What is sent


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://127.0.0.1:8500", "http://127.0.0.1:8500/v1/x"),
        ("http://consul", "http://consul:8500/v1/x"),
        ("https://consul", "https://consul:8501/v1/x"),
        ("https://consul:443/", "https://consul:443/v1/x"),
        pytest.param(
            "http://[::1]:8500",
            "http://[::1]:8500/v1/x",
        ),
    ],
)
def test_a_request_goes_to_its_agent(agent: FakeAgent, url: str, sent: str) -> None:
    """Scheme, host and port are the connection's, or Consul's usual ports."""
    client(url).get("/v1/x")
    assert agent.request.url == sent


def test_parameters_are_sent_in_the_query(agent: FakeAgent) -> None:
    """What stands in a parameter arrives whole."""
    client().get("/v1/x", filter='ServiceID == "a&b"')
    assert str(agent.request.url).endswith("?filter=ServiceID+%3D%3D+%22a%26b%22")


@pytest.mark.parametrize("verb", ["get", "put"])
def test_every_request_carries_the_token(agent: FakeAgent, verb: str) -> None:
    """The token goes in the header, and not in the address where logs would have it."""
    getattr(client(token="secret"), verb)("/v1/x")
    assert agent.request.headers["X-Consul-Token"] == "secret"
    assert "secret" not in str(agent.request.url)


def test_a_namespace_goes_with_every_request(agent: FakeAgent) -> None:
    """Where there are namespaces, all that is asked is asked in one."""
    client(namespace="team-a").get("/v1/x")
    assert agent.request.headers["X-Consul-Namespace"] == "team-a"


def test_without_a_token_no_header_is_sent(
    agent: FakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No token is none, not an empty one, and py-consul adds none of its own."""
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "from-environment")
    client().get("/v1/x")
    assert "X-Consul-Token" not in agent.request.headers


def test_the_datacenter_goes_with_every_request(agent: FakeAgent) -> None:
    """Another datacenter is asked for by Consul's parameter, next to the others."""
    client(datacenter="dc2").get("/v1/x", a="b")
    assert str(agent.request.url).endswith("?a=b&dc=dc2")


@pytest.mark.parametrize("verb", ["put", "post", "delete"])
def test_a_body_is_sent_as_json(agent: FakeAgent, verb: str) -> None:
    """What is sent arrives as it was."""
    getattr(client(), verb)("/v1/x", {"ID": "web"})
    assert json.loads(agent.request.body or "") == {"ID": "web"}
    assert agent.request.method == verb.upper()


@pytest.mark.parametrize("verb", ["put", "post", "delete"])
def test_what_has_no_body_sends_none(agent: FakeAgent, verb: str) -> None:
    """Nothing to say is not `null`."""
    getattr(client(), verb)("/v1/x")
    assert not agent.request.body


def test_timeout_and_certificates_are_the_connections(agent: FakeAgent) -> None:
    """Each request has its limit, its trust and its identity."""
    client("https://c", timeout=3, verify="/ca.pem", certificate=("/c.pem", "/k.pem")).get("/v1/x")
    assert (agent.how["timeout"], agent.how["verify"]) == (3, "/ca.pem")
    assert agent.how["cert"] == ("/c.pem", "/k.pem")


def test_nothing_is_sent_before_it_is_asked_for(agent: FakeAgent) -> None:
    """Making a client costs no request."""
    client()
    assert agent.requests == []


@pytest.mark.parametrize(
    ("identifier", "path"),
    [
        (
            "host-1:web:80",
            ("/v1/agent/service/host-1:web:80", "/v1/agent/service/host-1%3Aweb%3A80"),
        ),
        ("my web", ("/v1/agent/service/my%20web",)),
    ],
)
def test_an_identifier_is_quoted_once(
    agent: FakeAgent, identifier: str, path: tuple[str, ...]
) -> None:
    """A service's identifier arrives so that one decoding gives it back."""
    agent.status = 404
    read_service(client(), identifier)
    assert agent.request.path_url in path


@pytest.mark.parametrize("url", ["", "127.0.0.1:8500", "unix:///consul.sock", "http://", "ftp://c"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """The sentence repeats it and shows how one looks."""
    with pytest.raises(ConsulError, match=r"is not a URL such as http://127\.0\.0\.1:8500"):
        client(url)


@pytest.mark.parametrize("url", ["http://consul:http", "http://consul:99999", "http://[::1"])
def test_a_broken_address_is_refused_like_any_other(url: str) -> None:
    """A port that is none is a ConsulError too."""
    try:
        client(url)
    except ValueError:
        pytest.fail("not a ConsulError")
    except ConsulError:
        pass


# What the answer means


@pytest.mark.parametrize(
    ("body", "content"),
    [('{"a": 1}', {"a": 1}), ('"10.0.0.1:8300"\n', "10.0.0.1:8300"), ("", None), ("null", None)],
)
def test_an_answer_is_decoded(agent: FakeAgent, body: str, content: object) -> None:
    """JSON becomes values, silence becomes None."""
    agent.body = body
    assert client().get("/v1/x") == content


def test_what_is_not_there_is_none(agent: FakeAgent) -> None:
    """Status 404 is an answer."""
    agent.play("agent-service-unknown")
    assert client().get("/v1/x") is None


def test_an_unhealthy_cluster_is_an_answer(agent: FakeAgent) -> None:
    """Autopilot tells everything along with status 429."""
    agent.play("autopilot-health-lost")
    assert agent.status == 429
    assert client().get("/v1/operator/autopilot/health")["Healthy"] is False


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRefused),
        (401, RequestRefused),
        (403, Forbidden),
        (405, RequestRefused),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_status_has_its_error(agent: FakeAgent, status: int, kind: type[ConsulError]) -> None:
    """The sentence names request, address and the agent's own words."""
    agent.status, agent.body = status, "because"
    with pytest.raises(ConsulError, match=rf"GET /v1/x at {AGENT}.*because") as raised:
        client().get("/v1/x")
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    ("recording", "kind"),
    [
        ("register-bad-meta", RequestRefused),
        ("register-without-name", RequestRefused),
        ("deregister-unknown", RequestRefused),
        # Consul's status for these is that of a failure of its own.
        ("acl-policy-wrong-rules", RequestRefused),
        ("acl-policy-wrong-right", RequestRefused),
        ("powerless-register", Forbidden),
        ("leaderless-services", Unavailable),
        ("catalog-nodes-wrong-filter", Unavailable),
    ],
)
def test_consuls_own_words_are_told(
    agent: FakeAgent, recording: str, kind: type[ConsulError]
) -> None:
    """They name the pair, the right, or the leader that is missing."""
    agent.play(recording)
    with pytest.raises(kind, match=re.escape(answer(recording))):
        client().put("/v1/x")


def test_a_mistake_is_one_through_another_agent_too(agent: FakeAgent) -> None:
    """An agent that is no server says that it asked one."""
    agent.status, agent.body = 500, "rpc error making call: Invalid Policy: invalid Name"
    with pytest.raises(RequestRefused, match="Invalid Policy"):
        client().put("/v1/x")


def test_an_error_of_several_lines_becomes_one(agent: FakeAgent) -> None:
    """Consul lists what each member said."""
    agent.play("keyring-off")
    with pytest.raises(Unavailable, match=r"failure \* node-1: Keyring is empty") as raised:
        client().get("/v1/x")
    assert "\n" not in str(raised.value)


def test_an_answer_of_somebody_else_is_told(agent: FakeAgent) -> None:
    """A page of HTML is quoted by its beginning and no further."""
    agent.body = "<html>" + "x" * 500
    with pytest.raises(ConsulError, match=r"the answer is not from Consul: '<html>x+'") as raised:
        client().get("/v1/x")
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "error", [requests.ConnectionError("refused"), OSError("no file"), ValueError("no host")]
)
def test_no_answer_is_told_from_a_bad_one(agent: FakeAgent, error: Exception) -> None:
    """Whatever keeps an answer away, the sentence names request, address and cause."""
    agent.error = error
    with pytest.raises(Unreachable, match=rf"PUT /v1/x at {AGENT}: no answer \({error}\)"):
        client().put("/v1/x")


def mistrust(code: int, message: str) -> ssl.SSLCertVerificationError:
    """A certificate that OpenSSL refuses."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def handshake(reason: str) -> ssl.SSLError:
    """A handshake that OpenSSL ends."""
    error = ssl.SSLError(1, f"[SSL: {reason}] (_ssl.c:1)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("cause", "words", "remedy"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused", "scheme and por"),
        (socket.gaierror(-2, "Name or service not known"), "the host name does not resolve", "DNS"),
        (mistrust(20, "unable to get issuer"), "unable to get issuer", "ca_path"),
        (mistrust(19, "self-signed certificate"), "self-signed certificate", "ca_path"),
        (mistrust(10, "certificate has expired"), "certificate has expired", "Renew"),
        (mistrust(62, "Hostname mismatch."), "Hostname mismatch", "agent's certificate in 'url'"),
        (handshake("WRONG_VERSION_NUMBER"), "the port does not speak TLS", "http://"),
        (handshake("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "TLS: tlsv13 alert", "client_cert"),
    ],
)
def test_a_cause_is_found_in_its_wrappings(
    agent: FakeAgent, cause: OSError, words: str, remedy: str
) -> None:
    """The libraries wrap it by argument, by `reason` and by context; its own words are told."""
    try:
        try:
            raise cause
        except OSError:
            wrapped = RuntimeError("<object at 0x7f>")
            raise wrapped from None
    except RuntimeError:
        outer = Exception("Max retries exceeded")
        outer.reason = wrapped  # type: ignore[attr-defined]  # as urllib3 does
    agent.error = requests.ConnectionError(outer)
    with pytest.raises(Unreachable) as raised:
        client("https://c").get("/v1/x")
    assert f"no answer ({words}" in str(raised.value)
    assert remedy in str(raised.value)
    assert "0x7f" not in str(raised.value)


def test_an_agent_that_hangs_is_told_with_the_timeout(agent: FakeAgent) -> None:
    """How long was waited stands in the sentence."""
    agent.error = requests.Timeout("late")
    with pytest.raises(Unreachable, match=r"no answer \(not within 3 s\)\. .*raise 'timeout'"):
        client(timeout=3).get("/v1/x")
    assert agent.how["timeout"] <= 1


@pytest.mark.parametrize(("leader", "kind"), [('""', Unavailable), ('"a:1"', Unreachable)])
def test_an_agent_that_waits_for_a_leader_is_told_from_one_that_hangs(
    monkeypatch: pytest.MonkeyPatch, leader: str, kind: type[ConsulError]
) -> None:
    """Asked for the leader, it answers at once that there is none."""

    def send(_session: object, request: requests.PreparedRequest, **_how: t.Any) -> t.Any:
        if request.path_url != "/v1/status/leader":
            raise requests.Timeout("late")
        response = requests.Response()
        response.status_code, response._content = 200, leader.encode()
        return response

    monkeypatch.setattr(requests.Session, "send", send)
    with pytest.raises(ConsulError) as raised:
        client().get("/v1/x")
    assert type(raised.value) is kind
    assert ("there is no leader" in str(raised.value)) is (kind is Unavailable)


def test_a_file_that_is_not_there_is_named(agent: FakeAgent) -> None:
    """Without the authority's file nothing is sent."""
    agent.error = OSError("Could not find a bundle, invalid path: /no/ca.pem")
    with pytest.raises(Unreachable, match=r"not sent because the file /no/ca\.pem.*ca_path"):
        client("https://c", verify="/no/ca.pem").get("/v1/x")


@pytest.mark.parametrize(
    ("token", "recording", "remedy"),
    [
        (None, "anonymous-self", "Give an ACL token"),
        ("t", "powerless-self", "Grant the ACL token this permission"),
        ("t", "stranger-self", "does not know this ACL token"),
    ],
)
def test_what_is_forbidden_has_its_remedy(
    agent: FakeAgent, token: str | None, recording: str, remedy: str
) -> None:
    """No token, one that nobody made, and one without rights are three things."""
    agent.play(recording)
    with pytest.raises(Forbidden, match=remedy) as raised:
        client(token=token).get("/v1/x")
    # A server that has just started knows no token, and will.
    assert isinstance(raised.value, TRANSIENT) is (recording == "stranger-self")


def test_plain_http_to_an_agent_with_tls_is_told(agent: FakeAgent) -> None:
    """The answer is Go's, and the remedy ours."""
    agent.status, agent.body = 400, "Client sent an HTTP request to an HTTPS server."
    with pytest.raises(RequestRefused, match=r"requires TLS on this port\. Use https://"):
        client().get("/v1/x")


@pytest.mark.parametrize(
    ("headers", "filtered"),
    [
        ({}, False),
        ({"X-Consul-Results-Filtered-By-ACLs": "true"}, True),
        ({"x-consul-results-filtered-by-acls": "false"}, False),
    ],
)
def test_what_consul_left_out_is_told(
    agent: FakeAgent, headers: dict[str, str], filtered: bool
) -> None:
    """The answer comes with Consul's word on what the token may not see."""
    agent.body, agent.headers = "[]", headers
    assert client(token="t").get_with_acl_filter("/v1/x") == ([], filtered)


def test_consul_says_that_it_left_members_out(agent: FakeAgent) -> None:
    """To a token without the right to see them; to nobody's request it does not."""
    agent.play("powerless-members")
    assert client(token="t").get_with_acl_filter("/v1/agent/members") == ([], True)
    agent.play("anonymous-members")
    assert client().get_with_acl_filter("/v1/agent/members") == ([], False)


@pytest.mark.parametrize(
    "url", ["http://u:s3cret@c:1", "http://c/?token=s3cret", "http://c#s3cret"]
)
def test_an_address_with_more_than_a_place_is_refused(url: str) -> None:
    """User and query would be dropped in silence; they may be secrets, and are not repeated."""
    with pytest.raises(ConsulError, match="more than scheme, host and port") as raised:
        client(url)
    assert "s3cret" not in str(raised.value)


def test_a_token_stays_out_of_errors(agent: FakeAgent) -> None:
    """A sentence that ends in a log holds no secret."""
    agent.status = 403
    with pytest.raises(Forbidden) as raised:
        client(token="secret").get("/v1/x")
    assert "secret" not in str(raised.value)
