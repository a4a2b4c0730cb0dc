"""The stage of the balancer's stories."""

from __future__ import annotations

from ..balancer.conftest import _agent_fixture, agent, image, place, plane, stage, stages

__all__ = ["_agent_fixture", "agent", "image", "place", "plane", "stage", "stages"]
