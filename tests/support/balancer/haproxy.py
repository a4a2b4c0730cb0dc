"""HAProxy with its program in a container, set up by what the role writes."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import urllib.parse
from typing import Any

from rollcall_agents.agent import Agent, free_ports

from .backends import Backend
from .certificates import certificate
from .clients import ask
from .haproxy_files import files, secrets
from .stage import Place, Stage

# The program's own way to HAProxy's socket; the image has no other.
_ASK = """
import pathlib, sys
from haproxy_lb import haproxy
print(haproxy.command(pathlib.Path("/run/haproxy-lb/admin.sock"), sys.argv[1]))
"""


class HaproxyStage(Stage):
    """A stage with HAProxy on it, which follows Consul's DNS."""

    program = "haproxy-lb"
    role = "haproxy_lb"
    # Once, and three times again.
    tries = 4
    follows_without_a_reload = True
    # Consul's DNS knows no name until the agent has a leader, and HAProxy believes it.
    guarded = False

    def __init__(self, place: Place, image: str, agent: Agent, folder: pathlib.Path) -> None:
        """Choose another port."""
        super().__init__(place, image, agent, folder)
        [self.tls_port] = free_ports(1)

    def settings(self, **values: Any) -> None:
        """Write what the role would write, the revision last."""
        inputs = self.inputs(**values)
        for name, text in {**secrets(**inputs), **files(**inputs)}.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def inputs(self, **more: Any) -> dict[str, Any]:
        """The inputs with which the role makes this balancer."""
        own = {
            "status_address": self.place.address,
            "consul_dns": f"{self.place.backends}:{self.agent.port_of('dns')}",
            "virtualenv": "",
            "tls_port": self.tls_port,
            "backend_header": True,
        }
        return super().inputs(**{**own, **more})

    def tls(self, *, redirect: bool = False, **hosts: str) -> dict[str, Any]:
        """The settings with new certificates."""
        made = self.folder.parent / "made"
        made.mkdir(exist_ok=True)
        certificates = []
        for name, host in hosts.items():
            certificate(made, name, host)
            public, key = ((made / f"{name}.{kind}").read_text() for kind in ("pem", "key"))
            used_by = {"hosts": [host]} if certificates else {}
            certificates.append({"name": name, "certificate": public, "key": key, **used_by})
        return {"certificates": certificates, "tls_redirect": redirect}

    def acknowledged(self) -> None:
        """Wait until the program says so, Consul's keys included."""
        revision = (self.folder / "revision").read_text().strip()
        self.inside("haproxy-lb", "wait", revision, "20", "consul")

    def refusal(self) -> str:
        """Why HAProxy does not use what was written last, "" where it does."""
        return str(self.state()["reason"])

    def settled(self) -> bool:
        """Always: HAProxy's threads share one table of servers."""
        return True

    def rotation(self) -> dict[str, int]:
        """How many servers of each service HAProxy would ask."""
        text = ask(self.place.address, self.status_port, "/metrics").text
        found = re.findall(r'haproxy_backend_active_servers{proxy="service_(.+)"} (\d+)', text)
        return {name: int(count) for name, count in found}

    def loaded(self) -> int:
        """How many configurations have served."""
        return self.log().count("serves\n")

    def state(self) -> Any:
        """What the program says of itself."""
        return json.loads(self.inside("haproxy-lb", "status"))

    def addresses(self) -> str:
        """All addresses that HAProxy has for servers, whether it asks them or not."""
        return self.inside("python3", "-c", _ASK, "show servers conn")

    def resolutions(self) -> dict[str, int]:
        """How often Consul's DNS was asked, and how often it answered in which way."""
        text = self.inside("python3", "-c", _ASK, "show resolvers consul")
        return {name: int(count) for name, count in re.findall(r"(\w+): +(\d+)", text)}

    def misses_consul(self) -> None:
        """HAProxy has asked Consul's DNS in vain, three times with two repetitions each."""
        before = self._unanswered()
        self.sees("questions without an answer", lambda: self._unanswered() >= before + 9)

    def hears_consul(self) -> None:
        """HAProxy has had an answer of Consul's DNS."""
        before = self.resolutions()["valid"]
        self.sees("an answer", lambda: self.resolutions()["valid"] > before)

    def asks(self, count: int) -> None:
        """Wait until Consul's DNS was asked so often again; it is twice a second."""
        before = self.resolutions()["sent"]
        self.sees(f"{count} questions", lambda: self.resolutions()["sent"] >= before + count)

    def _unanswered(self) -> int:
        found = self.resolutions()
        return found["sent"] - found["valid"]

    def keeps(self, backend: Backend) -> bool:
        """The addresses that it writes down every two seconds name the port."""
        written = self.inside("sh", "-c", "cat /var/lib/haproxy-lb/servers.state 2>&-; true")
        return f" {backend.port} " in written

    # Consul's keys

    def set(self, key: str, value: str) -> None:
        """Set one of Consul's keys, such as web/maxconn."""
        encoded = base64.b64encode(value.encode()).decode()
        verb = {"Verb": "set", "Key": f"rollcall/haproxy/{key}", "Value": encoded}
        self.agent.call("PUT", "/v1/txn", [{"KV": verb}])

    def unset(self, key: str) -> None:
        """Delete one of Consul's keys."""
        self.agent.call("DELETE", f"/v1/kv/rollcall/haproxy/{urllib.parse.quote(key)}")
