"""Token and authority: out of their files, and never into an error."""

from __future__ import annotations

import pathlib

import pytest
from rollcall_agents.certificates import Authority
from rollcall_drills.errors import UserError
from rollcall_drills.history.settings import Settings
from rollcall_drills.observer.credentials import TOKEN_VARIABLE, token_of, trust

SECRET = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
VAULT = "$ANSIBLE_VAULT;1.1;AES256\n6162636465\n"
AGENT = ("https://10.0.0.1:8501",)


def with_file(path: pathlib.Path, text: str | None = None) -> Settings:
    """The settings of a drill whose token lies in this file."""
    if text is not None:
        path.write_text(text)
    return Settings("http://localhost/", consul_token_file=str(path))


def test_the_file_counts_before_the_environment(tmp_path: pathlib.Path) -> None:
    """Without the line's end; the variable counts where no file is named, and nothing else."""
    named = with_file(tmp_path / "token", f"{SECRET}\n")
    unnamed = Settings("http://localhost/")
    assert token_of(named, {TOKEN_VARIABLE: "another"}) == SECRET
    assert token_of(unnamed, {TOKEN_VARIABLE: "another"}) == "another"
    assert token_of(unnamed, {}) == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        ("\n", "is empty"),
        (VAULT, "is encrypted with ansible-vault"),
        (f"{SECRET}\nX-Header: {SECRET}\n", "does not hold a token"),
        (f"token = {SECRET}", "does not hold a token"),
        (f"{SECRET}\0", "does not hold a token"),
        (f"\u00e4{SECRET}", "does not hold a token"),
    ],
)
def test_a_file_without_a_token_is_named(
    tmp_path: pathlib.Path, text: str | None, sentence: str
) -> None:
    """Which file, what is wrong, what to do; what stands in it is not repeated."""
    path = tmp_path / "token"
    with pytest.raises(UserError) as caught:
        token_of(with_file(path, text), {})
    assert f"{path} {sentence}" in caught.value.what
    assert caught.value.remedy
    assert SECRET not in caught.value.what + caught.value.remedy


def test_what_to_do_about_a_vault_is_told(tmp_path: pathlib.Path) -> None:
    """A command that decrypts it, and the option for what that makes."""
    with pytest.raises(UserError) as caught:
        token_of(with_file(tmp_path / "token", VAULT), {})
    assert "ansible-vault view" in caught.value.remedy
    assert "--consul-token-file" in caught.value.remedy


def test_a_variable_without_a_token_is_named() -> None:
    """A library would quote it."""
    with pytest.raises(UserError) as caught:
        token_of(Settings("http://localhost/"), {TOKEN_VARIABLE: f"{SECRET}\nmore"})
    assert caught.value.what == f"{TOKEN_VARIABLE} does not hold a token"


def test_only_the_named_authority_is_trusted(authority: Authority) -> None:
    """Not those of the system beside it."""
    context = trust(AGENT, str(authority.pem))
    assert context is not None
    assert [each["subject"] for each in context.get_ca_certs()] == [
        ((("commonName", "rollcall"),),)
    ]


def test_without_a_file_the_system_is_trusted() -> None:
    """And who is no authority of its own is refused."""
    context = trust(AGENT)
    assert context is not None
    assert context.check_hostname


def test_without_tls_nobody_has_to_be_trusted() -> None:
    """Nothing is loaded for plain HTTP."""
    assert trust(["http://10.0.0.1:8500"]) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n", "holds no certificate"),
        (VAULT, "is encrypted with ansible-vault"),
    ],
)
def test_a_file_without_an_authority_is_named(
    tmp_path: pathlib.Path, text: str | None, sentence: str
) -> None:
    """An empty file does not mean the system's authorities."""
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as caught:
        trust(AGENT, str(path))
    assert f"{path} {sentence}" in caught.value.what
    assert caught.value.remedy
