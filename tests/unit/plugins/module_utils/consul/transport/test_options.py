"""Options and Consul's own environment variables become a connection."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.client import (
    Connection,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.errors import (
    ConsulError,
)
from ansible_collections.rollcall.discovery.plugins.module_utils._consul.transport.options import (
    CONNECTION,
    agent,
    connection,
)


def connected(environment: dict[str, str] | None = None, **options: t.Any) -> Connection:
    """The connection of a module of which only these options are set."""
    defaults = {name: option.get("default") for name, option in CONNECTION.items()}
    return connection({**defaults, **options}, environment or {})


def test_without_a_word_it_is_the_agent_of_this_host() -> None:
    """No option and no variable means the local agent, without a token."""
    assert connected() == Connection("http://127.0.0.1:8500", timeout=10)


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"CONSUL_HTTP_ADDR": "10.0.0.1:8500"}, "http://10.0.0.1:8500"),
        ({"CONSUL_HTTP_ADDR": "https://consul:8501"}, "https://consul:8501"),
        ({"CONSUL_HTTP_ADDR": "consul:8501", "CONSUL_HTTP_SSL": "true"}, "https://consul:8501"),
        ({"CONSUL_HTTP_SSL": "1"}, "https://127.0.0.1:8500"),
        ({"CONSUL_HTTP_SSL": "0"}, "http://127.0.0.1:8500"),
        ({"CONSUL_HTTP_ADDR": "http://c:1", "CONSUL_HTTP_SSL": "1"}, "http://c:1"),
        ({"CONSUL_HTTP_ADDR": ""}, "http://127.0.0.1:8500"),
    ],
)
def test_consuls_variables_tell_the_address(environment: dict[str, str], url: str) -> None:
    """The address is read as Consul's own command reads it."""
    assert connected(environment).url == url


@pytest.mark.parametrize(
    ("options", "environment", "verify"),
    [
        ({}, {}, True),
        ({}, {"CONSUL_CACERT": "/env/ca.pem"}, "/env/ca.pem"),
        ({"ca_path": "/ca.pem"}, {"CONSUL_CACERT": "/env/ca.pem"}, "/ca.pem"),
        ({"validate_certs": False, "ca_path": "/ca.pem"}, {}, False),
    ],
)
def test_the_agents_certificate_is_verified(
    options: dict[str, t.Any], environment: dict[str, str], verify: bool | str
) -> None:
    """Only `validate_certs` turns the verification off."""
    assert connected(environment, **options).verify == verify


def test_a_client_certificate_comes_with_its_key() -> None:
    """Option and variable may each bring a half."""
    environment = {"CONSUL_CLIENT_KEY": "/env/key.pem"}
    made = connected(environment, client_cert="/cert.pem")
    assert made.certificate == ("/cert.pem", "/env/key.pem")


@pytest.mark.parametrize(
    ("option", "variable", "attribute"),
    [("url", "CONSUL_HTTP_ADDR", "url"), ("token", "CONSUL_HTTP_TOKEN", "token")],
)
def test_an_option_wins_over_its_variable(option: str, variable: str, attribute: str) -> None:
    """What a play says is what counts."""
    made = connected({variable: "http://environment"}, **{option: "http://option"})
    assert getattr(made, attribute) == "http://option"


@pytest.fixture
def token_file(tmp_path: pathlib.Path) -> str:
    """A file that holds a token, and a line break as editors leave it."""
    path = tmp_path / "token"
    path.write_text("from-file\n", encoding="utf-8")
    return str(path)


def test_a_token_is_read_from_a_file(token_file: str) -> None:
    """The line break behind it is not part of the token."""
    assert connected(token_file=token_file).token == "from-file"


def test_the_variable_names_a_token_file(token_file: str) -> None:
    """Consul's variable for a file is understood."""
    assert connected({"CONSUL_HTTP_TOKEN_FILE": token_file}).token == "from-file"


def test_a_given_token_wins_over_a_file(token_file: str) -> None:
    """With a token in hand no file is read."""
    assert connected(token="given", token_file=token_file).token == "given"


def test_a_file_wins_over_the_variable(token_file: str) -> None:
    """An option is nearer than the environment."""
    assert connected({"CONSUL_HTTP_TOKEN": "env"}, token_file=token_file).token == "from-file"


def test_a_token_file_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    """The sentence holds path and cause."""
    with pytest.raises(ConsulError, match=r"token file .*absent: No such file"):
        connected(token_file=str(tmp_path / "absent"))


def test_a_token_file_that_is_no_text_is_named(tmp_path: pathlib.Path) -> None:
    """A key store named by mistake is a file that cannot be read."""
    path = tmp_path / "token"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConsulError, match="token file"):
        connected(token_file=str(path))


def test_a_known_agent_is_reached_with_consuls_environment(token_file: str) -> None:
    """The address is the one given; trust comes from the environment."""
    environment = {"CONSUL_HTTP_ADDR": "http://other:1", "CONSUL_CACERT": "/ca.pem"}
    made = agent("https://consul:8501", token_file, environment)
    assert (made.url, made.token, made.verify) == ("https://consul:8501", "from-file", "/ca.pem")


def test_a_token_is_kept_from_logs() -> None:
    """Ansible masks what is declared a secret."""
    assert CONNECTION["token"]["no_log"] is True


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_token_file_is_named(tmp_path: pathlib.Path, text: str) -> None:
    """Without this, the requests would go out as anybody's."""
    path = tmp_path / "token"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConsulError, match=r"token file .*token is empty"):
        connected(token_file=str(path))


@pytest.mark.parametrize("secret", ["can\nary", "can\x00ary", "canary€"])
def test_what_no_header_bears_is_refused_and_not_repeated(
    tmp_path: pathlib.Path, secret: str
) -> None:
    """The libraries below would quote the header, and the token in it."""
    path = tmp_path / "token"
    path.write_text(secret, encoding="utf-8")
    for source, options, environment in (
        ("the option token", {"token": secret}, {}),
        (str(path), {"token_file": str(path)}, {}),
        ("CONSUL_HTTP_TOKEN", {}, {"CONSUL_HTTP_TOKEN": secret}),
    ):
        with pytest.raises(ConsulError, match="contains a line break or a character") as raised:
            connected(environment, **options)
        assert source in str(raised.value)
        assert "ary" not in str(raised.value).replace(str(path), "")


def test_blanks_around_a_token_are_nobodys() -> None:
    """A token in a variable often ends in a line break, too."""
    assert connected(token=" given\n").token == "given"
    assert connected({"CONSUL_HTTP_TOKEN": "env\n"}).token == "env"


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_timeout_of_nothing_is_refused(timeout: int) -> None:
    """No request could be answered in it."""
    with pytest.raises(ConsulError, match=f"timeout is {timeout}"):
        connected(timeout=timeout)
