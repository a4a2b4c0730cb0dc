"""Stories of HAProxy."""

from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import haproxy_stage

__all__ = ["haproxy_stage"]
