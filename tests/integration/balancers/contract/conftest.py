"""Every story of the contract is told of each balancer."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import Stages
from ansible_collections.rollcall.discovery.tests.support.balancer.haproxy import HaproxyStage
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Stage

BALANCERS: dict[str, type[Stage]] = {"nginx": NginxStage, "haproxy": HaproxyStage}


@pytest.fixture(params=BALANCERS)
def stage(request: pytest.FixtureRequest, stages: Stages) -> Stage:
    """A stage with the balancer on it that the parameter names."""
    made: Stage = stages(BALANCERS[request.param])
    return made
