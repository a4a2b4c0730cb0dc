"""A CA that is somebody's own, and how certificates are read and believed."""

from __future__ import annotations

import datetime
import ipaddress
import pathlib
import ssl
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

SERVERS = "server.dc1.consul"
_BOTH = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


class Authority:
    """A CA, made here or read from the folder of the secrets."""

    def __init__(self, folder: pathlib.Path | None = None) -> None:
        """A new one, or the first in `ca.pem`."""
        if folder is None:
            self.key = ec.generate_private_key(ec.SECP384R1())
            self.certificate = _signed(
                "Somebody's own CA", self.key, None, [], datetime.timedelta(days=3000)
            )
        else:
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self.key = key
            self.certificate = certificates(folder / "ca.pem")[0]

    def put(self, folder: pathlib.Path, *, key: bool = True) -> None:
        """Lay it where the role looks, with its key or without."""
        folder.mkdir(exist_ok=True)
        (folder / "ca.pem").write_bytes(pem(self.certificate))
        if key:
            (folder / "ca.key").write_bytes(private(self.key))

    def leaf(
        self, stem: pathlib.Path, names: Iterable[str], *, days: int = 300, keep: bool = False
    ) -> None:
        """Sign a certificate for DNS names and addresses and lay it with its key, new or kept."""
        stem.parent.mkdir(exist_ok=True)
        path = stem.with_suffix(".key")
        if not keep:
            path.write_bytes(private(ec.generate_private_key(ec.SECP256R1())))
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        made = _signed("leaf", key, self, names, datetime.timedelta(days=days))
        stem.with_suffix(".pem").write_bytes(pem(made))


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    by: Authority | None,
    names: Iterable[str],
    term: datetime.timedelta,
) -> x509.Certificate:
    """A certificate by a CA, without one a CA's own."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + term)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if by:
        general = x509.SubjectAlternativeName([_general(each) for each in names])
        builder = builder.add_extension(general, critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(_BOTH), critical=False)
    return builder.sign(by.key if by else key, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    """An address, or a name in DNS."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def pem(certificate: x509.Certificate) -> bytes:
    """As it is written."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def private(key: ec.EllipticCurvePrivateKey) -> bytes:
    """As it is written."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def certificates(path: pathlib.Path) -> list[x509.Certificate]:
    """All in a file."""
    return x509.load_pem_x509_certificates(path.read_bytes())


def names(certificate: x509.Certificate) -> set[str]:
    """Its DNS names and addresses."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(each.value) for each in found}


def believed_as_server(folder: pathlib.Path, node: str, name: str = SERVERS) -> bool:
    """Whether whoever knows `ca.pem` believes a node to be the server of that name."""
    [leaf] = certificates(folder / "agents" / f"{node}.pem")
    policy = PolicyBuilder().store(Store(certificates(folder / "ca.pem")))
    try:
        policy.build_server_verifier(x509.DNSName(name)).verify(leaf, [])
    except VerificationError:
        return False
    return True


def believed_as_client(folder: pathlib.Path, node: str) -> bool:
    """Whether whoever knows `ca.pem` lets a node in."""
    [leaf] = certificates(folder / "agents" / f"{node}.pem")
    policy = PolicyBuilder().store(Store(certificates(folder / "ca.pem")))
    try:
        policy.build_client_verifier().verify(leaf, [])
    except VerificationError:
        return False
    return True


def shake_hands(dialling: pathlib.Path, node: str, asked: pathlib.Path, server: str) -> bool:
    """Whether a node with one folder's files and a server with another's agree on TLS."""
    one = _context(ssl.PROTOCOL_TLS_CLIENT, dialling, node)
    other = _context(ssl.PROTOCOL_TLS_SERVER, asked, server)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    caller = one.wrap_bio(back, there, server_hostname=SERVERS)
    called = other.wrap_bio(there, back, server_side=True)
    waiting = [caller, called]
    # Each side speaks three times at most: more than a handshake has flights.
    for _turn in range(3):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return not waiting


def _context(protocol: int, folder: pathlib.Path, node: str) -> ssl.SSLContext:
    """TLS as an agent has it: its own certificate, and whoever `ca.pem` vouches for."""
    context = ssl.SSLContext(protocol)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder / "ca.pem")
    stem = folder / "agents" / node
    context.load_cert_chain(stem.with_suffix(".pem"), stem.with_suffix(".key"))
    return context
