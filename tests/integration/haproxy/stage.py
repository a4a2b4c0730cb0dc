"""One HAProxy in a container, set up by what the role writes."""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import re
import urllib.parse
import uuid
from typing import Any

from ansible_collections.rollcall.discovery.tests.support import haproxy
from rollcall_agents.agent import Agent

from ..balancer.stage import Place, Stage, ask


class HaproxyStage(Stage):
    """The same stage for the other balancer."""

    program = "haproxy-lb"

    def __init__(
        self, place: Place, image: str, agent: Agent, dns_port: int, folder: pathlib.Path
    ) -> None:
        """Choose ports and names."""
        super().__init__(place, image, agent, folder, "dns")
        (self.folder / "certificates").rmdir()
        self.name = f"haproxy-{uuid.uuid4().hex[:8]}"
        self.dns_port = dns_port

    def inputs(self, **more: Any) -> dict[str, Any]:
        """The role's inputs, without their prefix."""
        return {
            "port": self.port,
            "status_port": self.status_port,
            "status_address": self.place.address,
            "networks": [self.place.network],
            "service": "web",
            "consul_address": f"{self.place.backends}:{self.agent.port}",
            "consul_dns": f"{self.place.backends}:{self.dns_port}",
            **more,
        }

    def settings(self, **values: Any) -> None:
        """Write what the role would write, the revision last."""
        for name, text in haproxy.files(**self.inputs(**values)).items():
            (self.folder / name).write_text(text)

    def acknowledged(self, *, consul: bool = True) -> None:
        """Wait until what was written serves."""
        revision = (self.folder / "revision").read_text().strip()
        self.inside("haproxy-lb", "wait", revision, "20", *(["consul"] if consul else []))

    def set(self, key: str, value: str) -> None:
        """Set one of Consul's keys, such as web/maxconn."""
        body = [{"KV": {"Verb": "set", "Key": f"rollcall/haproxy/{key}"}}]
        body[0]["KV"]["Value"] = base64.b64encode(value.encode()).decode()
        self.agent.call("PUT", "/v1/txn", body)

    def unset(self, key: str) -> None:
        """Delete one of Consul's keys."""
        self.agent.call("DELETE", f"/v1/kv/rollcall/haproxy/{urllib.parse.quote(key)}")

    def settled(self) -> bool:
        """Always: HAProxy's threads share one table of servers."""
        return True

    def state(self) -> Any:
        """What the keeper says of itself."""
        return json.loads(self.inside("haproxy-lb", "status"))

    def generations(self) -> int:
        """How many configurations have served in this container's life."""
        return self.log().count("serves\n")

    def servers(self) -> dict[str, int]:
        """How many servers of each service HAProxy would ask."""
        text = ask(self.place.address, self.status_port, "/metrics").text
        found = re.findall(r'haproxy_backend_active_servers{proxy="service_(.+)"} (\d+)', text)
        return {name: int(count) for name, count in found}

    def addresses(self) -> str:
        """All addresses that HAProxy has for servers, whether it asks them or not."""
        program = (
            "import pathlib; from keeper import haproxy; "
            "socket = pathlib.Path('/run/haproxy-lb/admin.sock'); "
            "print(haproxy.ask(socket, 'show servers conn'))"
        )
        return self.inside("python3", "-c", program)

    def health(self) -> Any:
        """/healthz of the public port; nothing while nobody answers."""
        with contextlib.suppress(OSError, ValueError):
            return super().health()
        return {"status": "away"}
