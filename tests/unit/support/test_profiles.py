"""The lab's agents are asked in either profile, and no token is a word of a command."""

from __future__ import annotations

import pathlib
import re
import ssl

import pytest
from ansible_collections.rollcall.discovery.tests.support.profiles import (
    SECRETS,
    VARIABLE,
    Profile,
    profile_of,
)
from ansible_collections.rollcall.discovery.tests.support.secure_profile import (
    TOKEN,
    secure_fixture,
)

__all__ = ["secure_fixture"]

ROOT = SECRETS.parents[2]


def test_the_environment_names_the_profile() -> None:
    """Open where it says nothing; a profile that there is not is no open one."""
    assert profile_of({}) == profile_of({VARIABLE: ""}) == profile_of({VARIABLE: "open"})
    assert profile_of({}) == Profile()
    assert profile_of({VARIABLE: "secure"}) == Profile(SECRETS)
    with pytest.raises(ValueError, match="ROLLCALL_PROFILE is closed: there are open and secure"):
        profile_of({VARIABLE: "closed"})


def test_an_open_agent_is_asked_without_more_ado() -> None:
    """As ever: plain HTTP, nothing to show, nothing for a play."""
    profile = Profile()
    assert profile.url("192.0.2.1") == "http://192.0.2.1:8500"
    assert (profile.headers(), profile.trust(), profile.play()) == ({}, None, {})
    assert profile.environment("192.0.2.1") == {"CONSUL_HTTP_ADDR": "192.0.2.1:8500"}
    assert profile.command("/v1/x?y") == ("curl -fsS 'http://127.0.0.1:8500/v1/x?y'", "")


def test_an_agent_may_be_asked_again_for_a_while() -> None:
    """What is not well for a moment gets its seconds, and no more."""
    command, _given = Profile().command("/v1/x", patience=15)
    assert command == "curl -fsS --retry 15 --retry-delay 1 'http://127.0.0.1:8500/v1/x'"


def test_a_secure_agent_is_asked_over_tls_with_the_operators_token(secure: Profile) -> None:
    """By the stack's own authority alone."""
    assert secure.url("192.0.2.1") == "https://192.0.2.1:8501"
    assert secure.headers() == {"X-Consul-Token": TOKEN}
    context = secure.trust()
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1


def test_a_play_and_a_program_get_the_tokens_file(secure: Profile) -> None:
    """Neither holds the token itself."""
    found = secure.environment("192.0.2.1")
    assert found["CONSUL_HTTP_ADDR"] == "https://192.0.2.1:8501"
    assert pathlib.Path(found["CONSUL_HTTP_TOKEN_FILE"]).read_text().strip() == TOKEN
    assert pathlib.Path(found["CONSUL_CACERT"]).exists()
    assert TOKEN not in repr((found, secure.play()))
    assert found["CONSUL_HTTP_TOKEN_FILE"] in secure.play()["environment"]["CONSUL_HTTP_TOKEN"]


def test_whoever_asks_an_agent_of_the_lab_asks_so() -> None:
    """No scenario and no test on the lab has an agent's address of its own, but a stranger's."""
    files = [*ROOT.glob("molecule/**/*.py"), *ROOT.glob("tests/integration/lab/**/*.py")]
    stranger = ROOT / "molecule/secure/tests/matrix/test_matrix.py"
    assert len(files) > 20
    for path in set(files) - {stranger}:
        assert not re.search(r"https?://\S*:8500|:8500/v1", path.read_text()), path
