"""Every secret of a secure cluster is changed while it serves."""

from __future__ import annotations

import pathlib
from typing import Any

SECRETS = pathlib.Path(__file__).resolve().parents[3] / "inventories" / "lab" / ".secrets"


def test_everybody_answers_all_the_time(host: Any, drill: Any) -> None:
    """No instance leaves the rotation for as long as five seconds while it happens."""
    assert drill("rotate_secrets").away(seconds=5) == {}


def test_one_token_may_do_everything(host: Any, consul: Any) -> None:
    """The first one, which Consul made, is forgotten, and so is every other one in between."""
    mighty = [
        token["Description"]
        for token in consul("/v1/acl/tokens")
        if any(policy["Name"] == "global-management" for policy in token.get("Policies") or ())
    ]
    assert mighty == ["rollcall: bootstrap"]
    left = {path.name for path in (SECRETS / "tokens").glob("bootstrap*")}
    assert left == {"bootstrap"}
