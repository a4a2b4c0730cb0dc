"""A secure profile with secrets of its own."""

from __future__ import annotations

import pathlib

import pytest
from rollcall_agents.certificates import Authority

from .profiles import Profile

TOKEN = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


@pytest.fixture(name="secure")
def secure_fixture(tmp_path: pathlib.Path) -> Profile:
    """A profile with secrets of its own, whose operator has TOKEN."""
    secrets = tmp_path / ".secrets"
    (secrets / "tokens").mkdir(parents=True)
    (secrets / "tokens" / "operator").write_text(f"{TOKEN}\n")
    Authority.make(secrets, "ca")
    return Profile(secrets)
