"""What the role haproxy_lb writes for given inputs, without running a play."""

from __future__ import annotations

from typing import Any

from rollcall_agents.roles import Role


def evaluated(name: str, **inputs: Any) -> Any:
    """One of the role's variables, such as `__haproxy_lb_files`; inputs without their prefix."""
    return Role("haproxy_lb", inputs).variables(name)[name]


def files(**inputs: Any) -> dict[str, str]:
    """The files that the role writes, by name."""
    found = {each["path"]: each["content"] for each in evaluated("__haproxy_lb_files", **inputs)}
    return {**found, "revision": evaluated("__haproxy_lb_revision", **inputs) + "\n"}
