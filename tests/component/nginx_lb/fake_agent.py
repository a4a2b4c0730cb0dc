"""A Consul agent on loopback with blocking queries, which answers nonsense when told to."""

from __future__ import annotations

import dataclasses
import http.server
import json
import threading
import urllib.parse
from collections.abc import Mapping
from typing import Any

DEAF = "deaf"


@dataclasses.dataclass(frozen=True)
class Raw:
    """An answer as it is."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


class FakeAgent:
    """Has the instance numbers of each service by the name of each node, all with the tag lb."""

    def __init__(self, **nodes: dict[str, list[int]]) -> None:
        """Listen at once."""
        self._changed = threading.Condition()
        self._index = 10
        self._turn = 0
        self._nodes = nodes
        self._instead: dict[str, Raw | str] = {}
        self.asked: list[str] = []
        self.connections = 0
        self.blocks = True
        handler = type("_Handler", (_Handler,), {"agent": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop, and end every query."""
        self.answers("", Raw(b"", 500))
        self._server.shutdown()
        self._server.server_close()

    def has(self, *, index: int = 0, wakes: bool = True, **nodes: dict[str, list[int]]) -> None:
        """Have another catalog, with this index or the next one."""
        with self._changed:
            self._nodes = nodes
            self._index = index or self._index + 1
            # A query that waits for a higher index is not woken by Consul either.
            self._turn += wakes
            self._changed.notify_all()

    def answers(self, prefix: str, answer: Raw | str | None) -> None:
        """Answer so where a path begins so, at once where a query waits; None for the truth."""
        with self._changed:
            if answer is None:
                del self._instead[prefix]
            else:
                self._instead[prefix] = answer
            self._turn += 1
            self._changed.notify_all()

    def answer(self, path: str, query: Mapping[str, str]) -> Raw:
        """The answer to a path, after its wait."""
        with self._changed:
            self.asked.append(path)
            wanted, turn = int(query.get("index", 0)), self._turn
            seconds = float(query.get("wait", "0s").removesuffix("s"))
            self._changed.wait_for(
                lambda: self._index > wanted or self._turn != turn or self._other(path),
                seconds if self.blocks else 0,
            )
            self._changed.wait_for(lambda: self._other(path) != DEAF)
            found = self._other(path)
            if isinstance(found, Raw):
                return found
            body = json.dumps(self._document(path)).encode()
            return Raw(body, headers={"X-Consul-Index": str(self._index)})

    def _other(self, path: str) -> Raw | str | None:
        found = [each for prefix, each in self._instead.items() if path.startswith(prefix)]
        return found[-1] if found else None

    def _document(self, path: str) -> Any:
        kind, _, name = path.removeprefix("/v1/").rpartition("/")
        if path == "/v1/catalog/nodes":
            return [{"Node": each, "Address": "10.9.9.9"} for each in self._nodes]
        if path == "/v1/catalog/services":
            return {service: ["lb"] for found in self._nodes.values() for service in found}
        if kind == "catalog/node-services":
            name = urllib.parse.unquote(name)
            return {"Node": {"Node": name, "Address": "10.9.9.9"}, "Services": self._of(name)}
        if kind == "catalog/service":
            keys = {"Service": "ServiceName"}
            return [
                {"Node": node, "Address": "10.9.9.9"}
                | {keys.get(key, f"Service{key}"): value for key, value in each.items()}
                for node in self._nodes
                for each in self._of(node)
                if each["Service"] == name
            ]
        if path == "/v1/status/leader":
            return "10.9.9.9:8300"
        if path == "/v1/connect/ca/roots":
            return {"TrustDomain": "one.consul"}
        return []

    def _of(self, node: str) -> list[dict[str, Any]]:
        return [
            {
                "ID": f"{service}-{number}",
                "Service": service,
                "Address": f"10.0.0.{number}",
                "Port": 80,
                "Weights": {"Passing": 1, "Warning": 1},
                "Tags": ["lb"],
            }
            for service, numbers in self._nodes[node].items()
            for number in numbers
        ]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that ends in the middle is what these stories are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    agent: FakeAgent
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Count the connections."""
        super().setup()
        self.agent.connections += 1

    def do_GET(self) -> None:
        """Answer as the agent does."""
        parts = urllib.parse.urlsplit(self.path)
        answer = self.agent.answer(parts.path, dict(urllib.parse.parse_qsl(parts.query)))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Stay silent."""
