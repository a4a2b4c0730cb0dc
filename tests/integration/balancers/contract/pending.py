"""Stories that a balancer does not keep yet."""

from __future__ import annotations

import pytest

_NGINX = pytest.param(
    "nginx",
    marks=pytest.mark.xfail(reason="nginx_lb does not do this yet (issue 17)", strict=False),
)
# A story of each balancer, of which nginx owes its part.
nginx_owes = pytest.mark.parametrize("stage", [_NGINX, "haproxy"], indirect=True)
