"""Requests to an agent: what is sent, and what each kind of failure means."""

from __future__ import annotations

import http.server
import json
import pathlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul import errors
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.client import (
    Connection,
    ConsulClient,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.observe import observe
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.options import (
    CONNECTION,
    agent,
    connection,
)


class Agent(http.server.BaseHTTPRequestHandler):
    """An agent that answers what a story gave it, and remembers what it was asked."""

    answers: dict[str, tuple[int, str]]
    asked: list[tuple[str, str, str | None, str]]

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        token = self.headers.get("X-Consul-Token")
        self.asked.append((self.command, self.path, token, body))
        code, text = self.answers.get(self.path.partition("?")[0], (404, ""))
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = _answer  # noqa: N815  (http.server calls them by these names)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    """A fresh agent on loopback."""
    handler = type("FreshAgent", (Agent,), {"answers": {}, "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def client(server: http.server.ThreadingHTTPServer, **changes: Any) -> ConsulClient:
    """A client of that agent."""
    return ConsulClient(Connection(url=f"http://127.0.0.1:{server.server_port}", **changes))


def handler_of(server: http.server.ThreadingHTTPServer) -> type[Agent]:
    """The agent's memory."""
    found = server.RequestHandlerClass
    assert isinstance(found, type)
    assert issubclass(found, Agent)
    return found


def test_the_token_and_the_datacenter_go_with_every_request(
    server: http.server.ThreadingHTTPServer,
) -> None:
    """The library forgets the token on some calls; the adapter does not."""
    handler_of(server).answers["/v1/agent/self"] = (200, "{}")
    client(server, token="secret", datacenter="dc2").get("/v1/agent/self")
    assert handler_of(server).asked == [("GET", "/v1/agent/self?dc=dc2", "secret", "")]


def test_a_body_is_sent_as_json(server: http.server.ThreadingHTTPServer) -> None:
    """PUT with parameters and a body."""
    handler_of(server).answers["/v1/x"] = (200, "")
    assert client(server).put("/v1/x", {"a": 1}, enable="true") is None
    (_, path, _, body) = handler_of(server).asked[0]
    assert (path, json.loads(body)) == ("/v1/x?enable=true", {"a": 1})


def test_not_found_is_an_answer(server: http.server.ThreadingHTTPServer) -> None:
    """404 means that there is no such thing."""
    assert client(server).get("/v1/agent/service/none") is None


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, errors.Forbidden), (400, errors.Refused), (500, errors.Unavailable)],
)
def test_each_status_has_its_meaning(
    server: http.server.ThreadingHTTPServer, status: int, error: type[Exception]
) -> None:
    """The message says what was attempted and what the agent said."""
    handler_of(server).answers["/v1/x"] = (status, "because")
    with pytest.raises(error, match=r"GET /v1/x at .*because"):
        client(server).get("/v1/x")


def test_an_unhealthy_autopilot_is_an_answer(server: http.server.ThreadingHTTPServer) -> None:
    """It comes with status 429 and the whole report."""
    handler_of(server).answers["/v1/operator/autopilot/health"] = (429, '{"Healthy": false}')
    assert client(server).get("/v1/operator/autopilot/health") == {"Healthy": False}


def test_nobody_there_is_told_with_what_to_check() -> None:
    """Port 1 of loopback answers nothing."""
    with pytest.raises(errors.Unreachable, match="Check that a Consul agent listens there"):
        ConsulClient(Connection(url="http://127.0.0.1:1")).get("/v1/agent/self")


def test_something_else_that_answers_is_told(server: http.server.ThreadingHTTPServer) -> None:
    """A web server's page is not Consul's answer."""
    handler_of(server).answers["/v1/x"] = (200, "<html>")
    with pytest.raises(errors.ConsulError, match="the answer is not Consul's"):
        client(server).get("/v1/x")


@pytest.mark.parametrize("url", ["127.0.0.1:8500", "ftp://a", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """Before anything is sent, with an example."""
    with pytest.raises(errors.ConsulError, match="is not an address such as"):
        ConsulClient(Connection(url=url))


def test_a_cluster_without_a_leader_is_still_observed(
    server: http.server.ThreadingHTTPServer,
) -> None:
    """What needs the leader stays empty; the rest is told."""
    member = {"Name": "n", "Addr": "10.0.0.1", "Status": 1, "Tags": {"role": "consul"}}
    handler_of(server).answers.update(
        {
            "/v1/agent/self": (200, '{"Config": {"Datacenter": "dc1"}, "Stats": {}}'),
            "/v1/agent/members": (200, json.dumps([member])),
            "/v1/status/leader": (500, "No cluster leader"),
        }
    )
    seen = observe(client(server))
    assert (seen.leader, seen.datacenter, len(seen.members), seen.peers) == ("", "dc1", 1, ())


def params(**options: Any) -> dict[str, Any]:
    """A module's connection options, unset but for the stated ones."""
    defaults = {name: option.get("default") for name, option in CONNECTION.items()}
    return {**defaults, **options}


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "http://127.0.0.1:8500"),
        ({"CONSUL_HTTP_ADDR": "10.0.0.1:8500"}, "http://10.0.0.1:8500"),
        ({"CONSUL_HTTP_ADDR": "10.0.0.1:8501", "CONSUL_HTTP_SSL": "true"}, "https://10.0.0.1:8501"),
        ({"CONSUL_HTTP_ADDR": "https://c:1"}, "https://c:1"),
    ],
)
def test_consuls_own_variables_count(environment: dict[str, str], url: str) -> None:
    """As with Consul's command line."""
    assert connection(params(), environment).url == url


def test_an_option_wins_over_its_variable(tmp_path: pathlib.Path) -> None:
    """Address, token and certificates."""
    (tmp_path / "token").write_text("from-file\n")
    environment = {"CONSUL_HTTP_ADDR": "a:1", "CONSUL_HTTP_TOKEN": "t", "CONSUL_CACERT": "/e.pem"}
    found = connection(
        params(url="http://b:2", token_file=str(tmp_path / "token"), ca_path="/o.pem"), environment
    )
    assert (found.url, found.token, found.verify) == ("http://b:2", "from-file", "/o.pem")


def test_a_token_file_that_cannot_be_read_is_named() -> None:
    """With the reason of the system."""
    with pytest.raises(errors.ConsulError, match="cannot read the token file /no/such: No such"):
        connection(params(token_file="/no/such"), {})


def test_an_agent_at_a_known_address_takes_the_rest_from_the_environment() -> None:
    """Registrator's agent is named by its registry URI alone."""
    found = agent("http://a:1", None, {"CONSUL_HTTP_TOKEN": "t"})
    assert (found.url, found.token, found.verify) == ("http://a:1", "t", True)
