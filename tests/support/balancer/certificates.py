"""Certificates that nobody signs but themselves."""

from __future__ import annotations

import pathlib
import ssl
import subprocess

from .clients import secured, trusting


def certificate(folder: pathlib.Path, name: str, host: str) -> None:
    """Put a self-signed certificate and its key into a folder."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={host}"),
            *("-addext", f"subjectAltName=DNS:{host}"),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")),
        ],
        check=True,
        capture_output=True,
    )


def shown(address: str, port: int, host: str) -> str:
    """The host of the certificate that is shown to who asks for `host`."""
    with secured(address, port, host, trusting()) as connection:
        text = ssl.DER_cert_to_PEM_cert(connection.getpeercert(True) or b"")
    words = ["openssl", "x509", "-noout", "-subject"]
    done = subprocess.run(words, input=text, check=True, capture_output=True, text=True)
    return done.stdout.rpartition("=")[2].strip()
