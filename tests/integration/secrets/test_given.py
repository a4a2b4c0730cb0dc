"""A CA of somebody's own, and what is refused."""

from __future__ import annotations

import pytest

from .authority import certificates
from .desk import Told
from .stories import Elsewhere, OwnAuthority

# The stories are told once a worker: one tells them for all of these tests.
pytestmark = pytest.mark.xdist_group("secrets-given")


def test_a_ca_that_was_there_signs_and_stays(own_authority: OwnAuthority) -> None:
    """The role makes all but the CA, and finds it right the next time."""
    made = own_authority.made
    assert made.told.right, made.told.output
    assert not {"ca.pem", "ca.key"} & made.changed
    assert {"gossip.key", "agents/node-alpha.pem", ".gitignore"} <= made.changed
    [authority] = certificates(made.left / "ca.pem")
    [leaf] = certificates(made.left / "agents" / "node-alpha.pem")
    leaf.verify_directly_issued_by(authority)
    assert own_authority.again.right, own_authority.again.output
    assert set(own_authority.again.changed.values()) == {0}


def test_without_the_cas_key_it_says_whose_certificate_is_missing(elsewhere: Elsewhere) -> None:
    """And what must be in it; nothing is made."""
    assert not elsewhere.missing.told.right
    assert elsewhere.missing.changed == set()
    assert elsewhere.missing.told.says(
        "agents/node-alpha.pem is missing, or its key is. There is no ca.key: have a certificate "
        "signed by the CA of ca.pem, for DNS:server.dc1.consul, DNS:node-alpha.server.dc1.consul, "
        "DNS:node-alpha, DNS:localhost, IP:127.0.0.1, IP:192.0.2.11"
    )


def test_what_is_signed_elsewhere_is_taken_as_it_is(elsewhere: Elsewhere) -> None:
    """With a name more and a short life; the key of the CA is never made."""
    assert elsewhere.signed.told.right, elsewhere.signed.told.output
    assert elsewhere.signed.changed == {
        *(".gitignore", "gossip.key", "tokens/bootstrap", "tokens/agent-node-alpha"),
    }
    assert not (elsewhere.signed.left / "ca.key").exists()


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        ("text", 'Invalid node names in the input of secrets: \\"../alpha\\"'),
        ("text", 'Invalid addresses in the input of secrets: \\"beta.example.org\\"'),
        ("text", 'Invalid token names in the input of secrets: \\"a/b\\"'),
        ("typed", "value of secrets_kind must be one of: server, client, got: leader"),
        ("typed", "value of secrets_rotate must be one or more of: gossip, ca, certificates"),
        ("typed", "missing required arguments: secrets_kind"),
        ("visible", "would read the secrets as hosts"),
        ("files", "gossip.key, tokens/dns: a gossip key is 32 bytes in base64"),
        ("files", "ca.key belongs to no certificate in ca.pem"),
        ("files", "secrets_renew_before_days must be below secrets_leaf_days"),
    ],
)
def test_what_is_wrong_is_refused_in_a_sentence(
    refusals: dict[str, Told], run: str, sentence: str
) -> None:
    """Before anything is written."""
    told = refusals[run]
    assert not told.right
    assert told.says(sentence), told.output
    assert set(told.changed.values()) == {0}
