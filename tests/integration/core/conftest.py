"""The stage of the balancer's stories."""

from __future__ import annotations

from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import (
    agent,
    agent_of_the_session,
    nginx_stage,
    place,
    stages,
)

__all__ = ["agent", "agent_of_the_session", "nginx_stage", "place", "stages"]
