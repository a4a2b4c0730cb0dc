"""Authorities, and what they sign for the fakes."""

from __future__ import annotations

import ssl

import pytest
from rollcall_agents.certificates import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of the fakes."""
    return Authority.make(tmp_path_factory.mktemp("authority"), "rollcall")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs nothing of ours."""
    return Authority.make(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="session")
def tls(authority: Authority) -> ssl.SSLContext:
    """What a fake shows that is who it says it is."""
    return shown(authority, "127.0.0.1")


@pytest.fixture(scope="session")
def elsewhere(authority: Authority) -> ssl.SSLContext:
    """What a fake shows whose certificate is for another address."""
    return shown(authority, "192.0.2.1")


def shown(authority: Authority, address: str) -> ssl.SSLContext:
    """A server's side with a certificate for this address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.leaf(address, address))
    return context
