"""What closes an agent, and how an open cluster gets there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rollcall.discovery.plugins.filter.consul_security import consul_security
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.config.security import (
    KINDS,
    MIGRATIONS,
    agent_config,
)


def config(migration: str = "", kind: str = "server") -> dict[str, Any]:
    """An agent's configuration at the usual places."""
    return agent_config(kind, migration, "0.0.0.0", 8501)


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_agent_requires_everything(kind: str) -> None:
    """Encrypted gossip, certificates both ways, and a token for whatever is asked."""
    closed = config(kind=kind)
    tls = closed["tls"]
    assert closed["encrypt_verify_incoming"]
    assert closed["encrypt_verify_outgoing"]
    assert tls["defaults"]["verify_incoming"]
    assert tls["defaults"]["verify_outgoing"]
    assert tls["internal_rpc"]["verify_server_hostname"]
    assert (closed["acl"]["enabled"], closed["acl"]["default_policy"]) == (True, "deny")


@pytest.mark.parametrize("migration", MIGRATIONS)
def test_nobody_runs_anything_through_an_agent(migration: str) -> None:
    """No script checks, from the API or from files, and no remote execution, at any stage."""
    closed = config(migration)
    assert not closed["enable_script_checks"]
    assert not closed["enable_local_script_checks"]
    assert closed["disable_remote_exec"]


@pytest.mark.parametrize(
    ("migration", "speaks", "requires"),
    [("accept", False, False), ("offer", True, False), ("", True, True)],
)
def test_a_neighbour_one_stage_behind_is_understood(
    migration: str, speaks: bool, requires: bool
) -> None:
    """What is said is required a stage later only, of gossip, TLS and tokens alike."""
    found = config(migration)
    tls = found["tls"]["defaults"]
    assert (found["encrypt_verify_outgoing"], found["encrypt_verify_incoming"]) == (
        speaks,
        requires,
    )
    assert (tls["verify_outgoing"], tls["verify_incoming"]) == (speaks, requires)
    assert found["tls"]["internal_rpc"]["verify_server_hostname"] is requires
    assert found["acl"]["default_policy"] == ("deny" if requires else "allow")


def test_https_asks_for_a_token_and_no_certificate() -> None:
    """A browser has none."""
    assert config()["tls"]["https"] == {"verify_incoming": False}


@pytest.mark.parametrize(("migration", "kind"), [("often", "server"), ("", "leader")])
def test_a_word_that_means_nothing_is_refused(migration: str, kind: str) -> None:
    """A typing error must not leave an agent open."""
    with pytest.raises(ValueError, match="must be"):
        config(migration, kind)


def test_the_filter_takes_numbers_as_ansible_gives_them() -> None:
    """A port that a template made is a text; Consul refuses a quoted number."""
    assert consul_security("", "client", "10.0.0.1", "9501")["ports"]["https"] == 9501  # type: ignore[arg-type]
