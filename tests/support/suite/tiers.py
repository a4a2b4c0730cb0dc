"""Which folders each suite has, and which scenarios each tier: read by noxfile.py and by the tests.

Nothing is imported but the standard library: nox reads this before there is an environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# A suite is a nox session of this name. A test file lies in exactly one of these folders.
SUITES: Mapping[str, tuple[str, ...]] = {
    "unit": ("tests/unit", "tests/architecture"),
    "component": ("tests/component",),
    "integration": (
        "tests/integration/balancers",
        "tests/integration/consul",
        "tests/integration/secrets",
    ),
    "core": ("tests/integration/core",),
    "lab": ("tests/integration/lab",),
    "soak": ("tests/soak",),
    "docs": ("tests/docs",),
    "package": ("tests/package",),
    "tutorial": ("tests/tutorial",),
    "scenarios": ("molecule",),
}
# Sessions without a suite of pytest's.
SESSIONS = ("lint", "types", *SUITES, "sanity")
# Every test of these is in the full tier, without a marker.
FULL_SUITES = ("core", "lab", "soak", "tutorial")
# The scenarios that the default tier has, in the order in which they run: one that closes the
# cluster comes last.
DEFAULT_SCENARIOS = (
    "default",
    "leader_election",
    "node_failover",
    "ghost_services",
    "start_order",
    "web_failover",
    "rolling_replacement",
    "secure",
)
# Those that take minutes each belong to the session `soak`.
SOAK_SCENARIOS = ("consul_outage", "random_faults", "ten_replacements")
# It begins with an open cluster, and this one needs a closed one.
OPEN_ONLY, SECURE_ONLY = ("secure",), ("rotate_secrets",)
SCENARIOS = tuple(sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")))


def scenarios_of_tier(*, everything: bool, secure: bool) -> tuple[str, ...]:
    """The scenarios of a tier that play on an open or on a secure lab, in their order.

    Those with settings of their own come first: what follows takes the lab as site.yml leaves it.
    """
    rest = {*SCENARIOS} - {*DEFAULT_SCENARIOS, *SOAK_SCENARIOS}
    more = sorted(rest, key=lambda name: (keeps(name), name)) if everything else []
    left_out = OPEN_ONLY if secure else SECURE_ONLY
    found = (*more, *DEFAULT_SCENARIOS)
    return tuple(name for name in found if name not in left_out)


def keeps(scenario: str) -> bool:
    """Whether a scenario leaves the lab as site.yml does: it has no settings of its own."""
    text = (ROOT / "molecule" / scenario / "molecule.yml").read_text()
    return not re.search(r"^(ansible|verifier):", text, re.MULTILINE)
