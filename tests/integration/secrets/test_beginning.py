"""From nothing to what three agents need, and no further."""

from __future__ import annotations

import base64
import datetime
import stat
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from .authority import SERVERS, believed_as_client, believed_as_server, certificates, names
from .conftest import Beginning
from .desk import HOSTS

COMMON = {"bootstrap", "operator", "nginx-lb", "haproxy-lb", "dns"}
NODES = [f"node-{host}" for host in HOSTS]


def test_a_dry_run_tells_all_of_it_and_makes_nothing(beginning: Beginning) -> None:
    """The same changes on every host as the run that follows, and each file by its name."""
    assert beginning.predicted.right, beginning.predicted.output
    assert beginning.made.right, beginning.made.output
    assert not beginning.left
    assert beginning.predicted.changed == beginning.made.changed
    assert all(beginning.made.changed[host] for host in HOSTS)
    for told in (beginning.predicted, beginning.made):
        for name in ("gossip.key", "tokens/operator", "tokens/registrator-node-gamma"):
            assert told.says(f'"{name} is created"')
        assert told.says("ca.pem gets a new CA")
        assert told.says("agents/node-beta.pem is created, because it is missing, or its key is")


def test_everything_is_there_and_nothing_else(beginning: Beginning) -> None:
    """What the other roles read, by the names that they read."""
    tokens = COMMON | {f"{kind}-{node}" for kind in ("agent", "registrator") for node in NODES}
    assert set(beginning.desk.files()) == {
        *(".gitignore", "gossip.key", "ca.pem", "ca.key"),
        *(f"agents/{node}.{kind}" for node in NODES for kind in ("pem", "key")),
        *(f"tokens/{name}" for name in tokens),
    }


def test_nobody_else_may_read_it(beginning: Beginning) -> None:
    """Folders 0700, files 0600, whatever they hold, and Git leaves them out."""
    secrets = beginning.desk.secrets
    modes = {
        str(path.relative_to(secrets)): stat.S_IMODE(path.stat().st_mode)
        for path in (secrets, *secrets.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) != (0o700 if path.is_dir() else 0o600)
    }
    assert modes == {}
    assert beginning.desk.files()[".gitignore"] == "*\n"


def test_what_is_random_is_what_consul_takes(beginning: Beginning) -> None:
    """32 bytes in base64, UUIDs, one line each, and none of them twice."""
    files = beginning.desk.files()
    gossip = files["gossip.key"].removesuffix("\n")
    assert base64.b64encode(base64.b64decode(gossip, validate=True)).decode() == gossip
    assert len(base64.b64decode(gossip)) == 32
    tokens = [text for name, text in files.items() if name.startswith("tokens/")]
    assert all(f"{uuid.UUID(text.strip())}\n" == text for text in tokens)
    assert len(set(tokens)) == len(tokens)


def test_the_ca_signs_agents_and_no_further_ca(beginning: Beginning) -> None:
    """A CA without CAs below it, for as long as was said."""
    [authority] = certificates(beginning.desk.secrets / "ca.pem")
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    usage = authority.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature
    assert days(authority) == 3650


@pytest.mark.parametrize("node", NODES)
def test_an_agent_has_its_names_and_addresses(beginning: Beginning, node: str) -> None:
    """P-256, for a year, for both sides of a connection, and signed by the CA."""
    host = HOSTS[node.removeprefix("node-")]
    kind = host["secrets_kind"]
    [leaf] = certificates(beginning.desk.secrets / "agents" / f"{node}.pem")
    own = {node, "localhost", f"{kind}.dc1.consul", "127.0.0.1", *host["secrets_addresses"]}
    assert names(leaf) == own | ({f"{node}.{SERVERS}"} if kind == "server" else set())
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
    assert isinstance(leaf.public_key().curve, ec.SECP256R1)  # type: ignore[union-attr]
    assert leaf.subject.rfc4514_string() == f"CN={kind}.dc1.consul"
    assert days(leaf) == 365
    assert believed_as_client(beginning.desk.secrets, node)
    assert believed_as_server(beginning.desk.secrets, node, "localhost")


def test_only_servers_are_believed_to_be_servers(beginning: Beginning) -> None:
    """verify_server_hostname rests on it."""
    believed = {node for node in NODES if believed_as_server(beginning.desk.secrets, node)}
    assert believed == {"node-alpha", "node-beta"}


def test_a_second_run_changes_nothing(beginning: Beginning) -> None:
    """Not a byte, and nothing is said to be made."""
    before = beginning.desk.files()
    again = beginning.desk.run()
    assert again.right, again.output
    assert set(again.changed.values()) == {0}
    assert beginning.desk.files() == before
    assert not again.says('is created"')


def days(certificate: x509.Certificate) -> int:
    """How long it holds from now, in full days."""
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.timezone.utc)
    return round(left / datetime.timedelta(days=1))
