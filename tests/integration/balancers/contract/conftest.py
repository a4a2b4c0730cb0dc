"""Every story of the contract is told of each balancer."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import Stages
from ansible_collections.rollcall.discovery.tests.support.balancer.haproxy import HaproxyStage
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Stage

KINDS: dict[str, type[Stage]] = {"nginx": NginxStage, "haproxy": HaproxyStage}
# nginx has two data planes. What holds for one is told of the other in the full tier.
BALANCERS = ["nginx-reload", pytest.param("nginx-dns", marks=pytest.mark.full), "haproxy"]


@pytest.fixture(params=BALANCERS)
def stage(request: pytest.FixtureRequest, stages: Stages) -> Stage:
    """A stage with the balancer on it that the parameter names."""
    product, _, plane = request.param.partition("-")
    made: Stage = stages(KINDS[product], **({"plane": plane} if plane else {}))
    return made
