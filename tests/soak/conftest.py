"""Stories of nginx that take their time."""

from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import (
    agent,
    agent_of_the_session,
    nginx_stage,
    place,
    seed,
    stages,
)

__all__ = ["agent", "agent_of_the_session", "nginx_stage", "place", "seed", "stages"]
