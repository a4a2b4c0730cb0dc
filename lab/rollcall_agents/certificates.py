"""An authority of our own, and certificates that it signs: as the agents of a stack have them."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import pathlib
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = datetime.timedelta(days=1)
_SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclasses.dataclass(frozen=True)
class Authority:
    """Who signs certificates; the files lie in `folder`, its own certificate is `pem`."""

    folder: pathlib.Path
    name: str
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, folder: pathlib.Path, name: str) -> t.Self:
        """A new one, by this name."""
        made = cls(folder, name, ec.generate_private_key(ec.SECP256R1()))
        made.pem.write_bytes(
            made._signed(name, made.key, x509.BasicConstraints(ca=True, path_length=None), _SIGNS)
        )
        return made

    @property
    def pem(self) -> pathlib.Path:
        """The file of its certificate."""
        return self.folder / f"{self.name}.pem"

    def leaf(self, name: str, *places: str) -> tuple[pathlib.Path, pathlib.Path]:
        """The files of a certificate for `localhost`, these names and addresses, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        whole = dict.fromkeys(["localhost", *places])
        names = x509.SubjectAlternativeName([_place(place) for place in whole])
        certificate = self.folder / f"{name}.pem"
        certificate.write_bytes(self._signed(name, key, names))
        secret = self.folder / f"{name}.key"
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, secret

    def _signed(
        self, name: str, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> bytes:
        """A certificate with all that Python 3.13 asks of one."""
        identifiers = (
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
        )
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_called(name))
            .issuer_name(_called(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
        )
        for extension in (*identifiers, *extensions):
            critical = isinstance(extension, (x509.BasicConstraints, x509.KeyUsage))
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _place(text: str) -> x509.GeneralName:
    """An address as an address, all else as a name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
