"""Who signs certificates for the drills' tests."""

from __future__ import annotations

import pytest
from rollcall_agents.certificates import Authority


@pytest.fixture(name="authority", scope="session")
def authority_fixture(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the certificates of the fakes."""
    return Authority.make(tmp_path_factory.mktemp("authority"), "rollcall")


@pytest.fixture(name="stranger", scope="session")
def stranger_fixture(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs nothing of ours."""
    return Authority.make(tmp_path_factory.mktemp("stranger"), "stranger")
