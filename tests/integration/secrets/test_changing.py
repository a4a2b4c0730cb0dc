"""What is renewed, what is rotated, and what stays as it is meanwhile."""

from __future__ import annotations

import itertools
import pathlib
import stat

import pytest

from .authority import SERVERS, believed_as_server, certificates, names, shake_hands
from .stories import Rotation, Stage, Vault

# The stories are told once a worker: one tells them for all of these tests.
pytestmark = pytest.mark.xdist_group("secrets-changing")


def test_a_certificate_that_will_not_do_is_made_anew_with_its_key(renewal: Stage) -> None:
    """One that ends soon, one with another address, one of another key; nothing else."""
    assert renewal.told.right, renewal.told.output
    assert renewal.changed == {
        f"agents/node-{host}.{kind}"
        for host in ("alpha", "beta", "gamma")
        for kind in ("pem", "key")
    }
    for why in (
        "agents/node-alpha.pem is created, because it ends at ",
        "agents/node-beta.pem is created, because it has other names: IP:192.0.2.99, IP:192.0.2.12",
        "agents/node-gamma.pem is created, because it does not belong to its key",
    ):
        assert renewal.told.says(why)
    [moved] = certificates(renewal.left / "agents" / "node-beta.pem")
    assert "192.0.2.99" in names(moved)
    assert "192.0.2.12" not in names(moved)
    assert believed_as_server(renewal.left, "node-alpha")
    assert believed_as_server(renewal.left, "node-gamma", "node-gamma")


def test_permissions_are_mended_and_what_a_person_removed_stays_away(renewal: Stage) -> None:
    """A file that others could read, and the .gitignore of somebody with a vault."""
    assert stat.S_IMODE((renewal.left / "gossip.key").stat().st_mode) == 0o600
    assert not (renewal.left / ".gitignore").exists()


def test_what_is_in_the_vault_is_used_and_stays_there(vault: Vault) -> None:
    """The CA signs, and its key is still encrypted."""
    assert vault.opened.told.right, vault.opened.told.output
    assert vault.opened.changed == {"agents/node-alpha.pem", "agents/node-alpha.key"}
    assert (vault.opened.left / "ca.key").read_text().startswith("$ANSIBLE_VAULT")
    assert believed_as_server(vault.opened.left, "node-alpha")


def test_without_the_vaults_password_nothing_is_taken_for_missing(vault: Vault) -> None:
    """It fails, and makes no other key for alpha."""
    assert not vault.locked.told.right
    assert vault.locked.changed == set()
    assert vault.locked.told.says("no vault secrets found")


def test_each_rotation_changes_what_it_says_and_nothing_else(rotation: Rotation) -> None:
    """The CA, gossip, certificates, tokens, bootstrap."""
    for each in (rotation.trusted, rotation.renewed, rotation.forgotten):
        assert each.told.right, each.told.output
    assert rotation.trusted.changed == {"ca.key", "ca.pem", "gossip.key"}
    assert rotation.renewed.changed == {
        *("agents/node-alpha.pem", "agents/node-alpha.key"),
        *("agents/node-gamma.pem", "agents/node-gamma.key"),
        *("tokens/operator", "tokens/agent-node-alpha", "tokens/agent-node-gamma"),
    }
    assert rotation.forgotten.changed == {"ca.pem", "tokens/bootstrap"}


def test_between_the_steps_nothing_moves(rotation: Rotation) -> None:
    """An ordinary run with two CAs changes nothing."""
    assert rotation.at_rest.told.right, rotation.at_rest.told.output
    assert rotation.at_rest.changed == set()
    assert set(rotation.at_rest.told.changed.values()) == {0}


def test_the_new_ca_stands_before_the_old_one_until_that_is_forgotten(rotation: Rotation) -> None:
    """Both are told apart by their names."""
    [old] = certificates(rotation.before / "ca.pem")
    [new, still] = certificates(rotation.renewed.left / "ca.pem")
    assert (still, new.subject == old.subject) == (old, False)
    assert certificates(rotation.forgotten.left / "ca.pem") == [new]
    [leaf] = certificates(rotation.trusted.left / "agents" / "node-alpha.pem")
    assert leaf.issuer == old.subject
    [leaf] = certificates(rotation.forgotten.left / "agents" / "node-alpha.pem")
    assert leaf.issuer == new.subject


def stages(rotation: Rotation) -> list[pathlib.Path]:
    """What agents have in the course of a change of the CA."""
    return [
        rotation.before,
        rotation.trusted.left,
        rotation.renewed.left,
        rotation.forgotten.left,
    ]


@pytest.mark.parametrize("caller", ["node-alpha", "node-gamma"])
def test_agents_believe_each_other_in_every_step(rotation: Rotation, caller: str) -> None:
    """Whichever of the two has its new files and whichever has not, in both directions."""
    for one, next_one in itertools.pairwise(stages(rotation)):
        for dialling, asked in itertools.product((one, next_one), repeat=2):
            assert shake_hands(dialling, caller, asked, "node-alpha"), (dialling, asked)


def test_a_step_cannot_be_left_out(rotation: Rotation) -> None:
    """Or the steps above would prove nothing; nor is a client believed to be a server."""
    before, trusted, renewed, forgotten = stages(rotation)
    assert not shake_hands(before, "node-alpha", renewed, "node-alpha")
    assert not shake_hands(renewed, "node-alpha", before, "node-alpha")
    assert not shake_hands(trusted, "node-gamma", forgotten, "node-alpha")
    assert not shake_hands(before, "node-alpha", before, "node-gamma")
    assert not believed_as_server(before, "node-gamma", SERVERS)


def test_haste_is_refused_with_every_reason(rotation: Rotation) -> None:
    """A third CA, all tokens at once, forgetting in the same run, and agents that need the old."""
    assert not rotation.hasty.right
    for sentence in (
        "Rotate bootstrap in a separate run",
        "ca.pem has more than one CA already",
        "Remove the old CA in a separate run",
        "The old CA is still needed by node-alpha, node-beta, node-gamma",
    ):
        assert rotation.hasty.says(sentence)


def test_the_old_ca_stays_for_an_agent_that_is_not_in_the_play(rotation: Rotation) -> None:
    """Beta was left out, until its files were removed."""
    assert not rotation.left_behind.right
    assert rotation.left_behind.says("still needed by node-beta: rotate")
