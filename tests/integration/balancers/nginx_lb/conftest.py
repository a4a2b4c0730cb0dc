"""Stories of nginx."""

from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import (
    nginx_stage,
    seed,
)

__all__ = ["nginx_stage", "seed"]
