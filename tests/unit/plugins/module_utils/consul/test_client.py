"""Requests to an agent: what is sent, and what its answer means."""

from __future__ import annotations

import json
import typing as t

import pytest
import requests
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.client import (
    Connection,
    ConsulClient,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.errors import (
    ConsulError,
    Forbidden,
    Refused,
    Unavailable,
    Unreachable,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.registry import look

AGENT = "http://127.0.0.1:8500"


class FakeAgent:
    """Answers every request alike, or not at all, and keeps the last one."""

    def __init__(self) -> None:
        """An agent that has nothing to say."""
        self.status = 200
        self.body = ""
        self.error: Exception | None = None
        self.requests: list[requests.PreparedRequest] = []
        self.how: dict[str, t.Any] = {}

    @property
    def request(self) -> requests.PreparedRequest:
        """The last request."""
        return self.requests[-1]

    def send(self, request: requests.PreparedRequest, **how: t.Any) -> requests.Response:
        """Answer a request that is ready for the wire."""
        self.requests.append(request)
        self.how = how
        if self.error:
            raise self.error
        response = requests.Response()
        response.status_code = self.status
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


def test_a_body_is_sent_as_json(agent: FakeAgent) -> None:
    """What is put arrives as it was."""
    client().put("/v1/x", {"ID": "web"})
    assert json.loads(agent.request.body or "") == {"ID": "web"}


def test_a_put_without_a_body_sends_none(agent: FakeAgent) -> None:
    """Nothing to say is not `null`."""
    client().put("/v1/x", a="b")
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
    look(client(), identifier)
    assert agent.request.path_url in path


@pytest.mark.parametrize("url", ["", "127.0.0.1:8500", "unix:///consul.sock", "http://", "ftp://c"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """The sentence repeats it and shows how one looks."""
    with pytest.raises(ConsulError, match=r"is not an address such as http://127\.0\.0\.1:8500"):
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
    agent.status, agent.body = 404, "unknown service ID"
    assert client().get("/v1/x") is None


def test_an_unhealthy_cluster_is_an_answer(agent: FakeAgent) -> None:
    """Autopilot tells everything along with status 429."""
    agent.status, agent.body = 429, '{"Healthy": false}'
    assert client().get("/v1/operator/autopilot/health") == {"Healthy": False}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Refused),
        (403, Forbidden),
        (405, Refused),
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


def test_an_answer_of_somebody_else_is_told(agent: FakeAgent) -> None:
    """A page of HTML is quoted by its beginning and no further."""
    agent.body = "<html>" + "x" * 500
    with pytest.raises(ConsulError, match=r"the answer is not Consul's: '<html>x+'") as raised:
        client().get("/v1/x")
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "error", [requests.ConnectionError("refused"), requests.Timeout("late"), OSError("no file")]
)
def test_no_answer_is_told_from_a_bad_one(agent: FakeAgent, error: Exception) -> None:
    """Whatever keeps an answer away, the sentence names request, address and cause."""
    agent.error = error
    with pytest.raises(Unreachable, match=rf"PUT /v1/x at {AGENT}: no answer \({error}\)"):
        client().put("/v1/x")


def test_a_token_stays_out_of_errors(agent: FakeAgent) -> None:
    """A sentence that ends in a log holds no secret."""
    agent.status = 403
    with pytest.raises(Forbidden) as raised:
        client(token="secret").get("/v1/x")
    assert "secret" not in str(raised.value)
