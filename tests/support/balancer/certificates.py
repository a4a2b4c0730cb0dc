"""Certificates that nobody signs but themselves."""

from __future__ import annotations

import pathlib
import subprocess


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
