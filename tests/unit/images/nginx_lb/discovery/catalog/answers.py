"""What Consul answers, written as Consul writes it."""

from __future__ import annotations

import json
from typing import Any

from nginx_lb.discovery.subscription import Subscription
from nginx_lb.settings.model import Discover, Service, Settings

NODE = {"ID": "", "Node": "n1", "Address": "10.9.9.1", "Meta": {"Services": "[{"}}


def service(identifier: str, name: str = "web", **more: Any) -> dict[str, Any]:
    """A service as a node's answer lists it."""
    usual = {"ID": identifier, "Service": name, "Tags": ["lb"], "Address": "", "Port": 80}
    return {**usual, "Weights": {"Passing": 2, "Warning": 1}, "CreateIndex": 7, **more}


def by_node(*services: Any, **node: Any) -> bytes:
    """The answer to a query by node."""
    return written({"Node": {**NODE, **node}, "Services": list(services)})


def written(value: Any) -> bytes:
    """Without blanks, as Consul writes it."""
    return json.dumps(value, separators=(",", ":")).encode()


def subscription(*names: str, tag: str | None = "lb") -> Subscription:
    """What follows these names, and this tag."""
    services = tuple(Service(name) for name in names)
    return Subscription.of(Settings(services=services, discover=Discover(tag) if tag else None))
