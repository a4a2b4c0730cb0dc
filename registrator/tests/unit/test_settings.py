"""A command line in Go's flag syntax and an environment become settings, or a sentence."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registrator.settings import FatalError, Settings, UsageError, parse

from .builders import HOST

AGENT = "consul://127.0.0.1:8500"


def parsed(*words: str, **environment: str) -> Settings:
    """The settings of a command line that ends with the local agent."""
    return parse([*words, AGENT], environment, HOST)


def registry(uri: str, **environment: str) -> str:
    """The agent's address behind a registry URI."""
    return parse([uri], environment, HOST).registry


def test_a_plain_call_has_defaults() -> None:
    """Only the registry has to be named."""
    assert parsed() == Settings(registry="http://127.0.0.1:8500", hostname=HOST)


# Flags.


@pytest.mark.parametrize(
    "words", [["-ip=10.0.0.1"], ["--ip=10.0.0.1"], ["-ip", "10.0.0.1"], ["--ip", "10.0.0.1"]]
)
def test_a_flag_has_four_spellings(words: list[str]) -> None:
    """One dash or two, an equals sign or a blank: Go takes each."""
    assert parsed(*words).ip == "10.0.0.1"


@pytest.mark.parametrize(
    ("words", "internal"),
    [
        (["-internal"], True),
        *[([f"-internal={text}"], True) for text in ("1", "t", "T", "true", "TRUE", "True")],
        *[([f"-internal={text}"], False) for text in ("0", "f", "F", "false", "FALSE", "False")],
    ],
)
def test_a_switch_takes_a_value_only_after_an_equals_sign(words: list[str], internal: bool) -> None:
    """A word after a switch is the registry, never its value."""
    assert parsed(*words).internal is internal


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("-ip=10.0.0.1", "ip", "10.0.0.1"),
        ("-internal", "internal", True),
        ("-explicit", "explicit", True),
        ("-useIpFromLabel=ip", "use_ip_from_label", "ip"),
        ("-tags=a,b", "tags", "a,b"),
        ("-resync=60", "resync", 60),
        ("-deregister=on-success", "deregister", "on-success"),
        ("-retry-attempts=3", "retry_attempts", 3),
        ("-retry-attempts=-1", "retry_attempts", -1),
        ("-retry-interval=500", "retry_interval", 500),
        ("-cleanup", "cleanup", True),
    ],
)
def test_upstreams_flags_are_known(word: str, field: str, value: object) -> None:
    """A command line that upstream understood is understood."""
    assert getattr(parsed(word), field) == value


def test_a_value_may_contain_equals_signs() -> None:
    """Only the first equals sign separates a flag from its value."""
    assert parsed("-tags=a=b").tags == "a=b"


def test_a_value_may_look_like_a_flag() -> None:
    """A flag that needs a value takes the next word whatever it looks like."""
    assert parsed("-tags", "-internal").tags == "-internal"


def test_the_last_of_two_counts() -> None:
    """A wrapper's flag can be overridden by appending another."""
    assert parsed("-ip=10.0.0.1", "-ip=10.0.0.2").ip == "10.0.0.2"


def test_two_dashes_end_the_flags() -> None:
    """After -- everything is an argument."""
    assert parsed("-internal", "--").internal is True


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "Missing required argument for registry URI."),
        (["-internal"], "Missing required argument for registry URI."),
        ([AGENT, "more"], "Extra arguments."),
        ([AGENT, "-internal"], "Extra arguments."),
        (["-internal", "true", AGENT], "Extra arguments."),
        (["-nonsense", AGENT], "flag provided but not defined: -nonsense"),
        (["--Internal", AGENT], "flag provided but not defined: -Internal"),
        (["-ip"], "flag needs an argument: -ip"),
        (["-internal=yes", AGENT], 'invalid boolean value "yes" for -internal'),
        (["-internal=", AGENT], 'invalid boolean value "" for -internal'),
        (["-resync=soon", AGENT], 'invalid value "soon" for flag -resync'),
        (["-resync=", AGENT], 'invalid value "" for flag -resync'),
    ],
)
def test_a_word_that_cannot_be_read_shows_the_usage(words: list[str], problem: str) -> None:
    """A bad command line is told by its problem and the usage."""
    with pytest.raises(UsageError) as caught:
        parse(words, {}, HOST)
    assert str(caught.value).startswith(problem)
    assert "Usage of registrator" in str(caught.value)


@pytest.mark.parametrize("times", [(30, 10), (2, 1), (0, 0)])
def test_a_time_to_live_outlasts_its_refresh(times: tuple[int, int]) -> None:
    """Both are set and the refresh comes in time, or neither is."""
    settings = parsed(f"-ttl={times[0]}", f"-ttl-refresh={times[1]}")
    assert (settings.ttl, settings.ttl_refresh) == times


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["-ttl=30"], "-ttl"),
        (["-ttl-refresh=10"], "-ttl-refresh"),
        (["-ttl=10", "-ttl-refresh=10"], "-ttl"),
        (["-ttl=10", "-ttl-refresh=30"], "-ttl"),
        (["-retry-interval=0"], "-retry-interval"),
        (["-retry-interval=-1"], "-retry-interval"),
        (["-deregister=never"], "-deregister"),
        (["-deregister="], "-deregister"),
    ],
)
def test_values_that_contradict_each_other_are_fatal(words: list[str], flag: str) -> None:
    """A contradiction is told by the flags that make it."""
    with pytest.raises(FatalError, match=flag):
        parsed(*words)


@given(st.lists(st.text(max_size=6) | st.sampled_from(["-ip", "-internal", "--", AGENT])))
def test_any_words_are_understood_or_refused(words: list[str]) -> None:
    """No command line ends in anything but settings, a usage or a sentence."""
    # An unpaired bracket is the known trouble below.
    with contextlib.suppress(UsageError, FatalError):
        assert parse([re.sub(r"[\[\]]", "", word) for word in words], {}, HOST).registry


# The registry.


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("consul://10.0.0.1:8500", "http://10.0.0.1:8500"),
        ("consul-tls://consul.example:8501", "https://consul.example:8501"),
        ("consul://[2001:db8::1]:8500", "http://[2001:db8::1]:8500"),
        ("consul://10.0.0.1:8500/", "http://10.0.0.1:8500"),
        ("consul:", "http://127.0.0.1:8500"),
        ("consul://", "http://127.0.0.1:8500"),
    ],
)
def test_a_registry_uri_is_an_agents_address(uri: str, address: str) -> None:
    """The scheme says how to speak, the rest whom to."""
    assert registry(uri) == address


@pytest.mark.parametrize("value", ["10.0.0.9:8500", "http://10.0.0.9:8500"])
def test_a_uri_without_a_host_takes_consuls_own_variable(value: str) -> None:
    """consul: means the agent that Consul's own tools would talk to."""
    assert registry("consul:", CONSUL_HTTP_ADDR=value) == "http://10.0.0.9:8500"


def test_a_uri_with_a_host_beats_the_variable() -> None:
    """What stands on the command line is meant."""
    assert registry(AGENT, CONSUL_HTTP_ADDR="10.0.0.9:8500") == "http://127.0.0.1:8500"


@pytest.mark.xfail(strict=True, reason="only http:// is taken off CONSUL_HTTP_ADDR")
@pytest.mark.parametrize("uri", ["consul:", "consul-tls:"])
def test_consuls_variable_may_ask_for_tls(uri: str) -> None:
    """CONSUL_HTTP_ADDR with https:// is an address, as Consul's own tools take it."""
    found = registry(uri, CONSUL_HTTP_ADDR="https://consul.example:8501")
    assert found == "https://consul.example:8501"


@pytest.mark.xfail(strict=True, reason="CONSUL_HTTP_SSL is not read")
def test_consuls_switch_asks_for_tls() -> None:
    """CONSUL_HTTP_SSL turns TLS on, as upstream's client does."""
    assert registry(AGENT, CONSUL_HTTP_SSL="true") == "https://127.0.0.1:8500"


@pytest.mark.parametrize(
    "uri",
    [
        "etcd://10.0.0.1:2379",
        "skydns2://10.0.0.1/domain",
        "zookeeper://10.0.0.1",
        "consulkv://10.0.0.1:8500/prefix",
        "consul-unix:///run/consul.sock",
        "http://10.0.0.1:8500",
        "127.0.0.1",
        "consul",
        "",
    ],
)
def test_another_registry_is_refused(uri: str) -> None:
    """A registry that this daemon does not speak is fatal, and the message says what it speaks."""
    with pytest.raises(FatalError, match=r"unrecognized adapter.*speaks consul://"):
        registry(uri)


@pytest.mark.xfail(strict=True, raises=ValueError, reason="urlsplit's ValueError is not caught")
def test_a_broken_registry_uri_is_refused() -> None:
    """An address that is none is fatal, not a traceback."""
    with pytest.raises(FatalError):
        registry("consul://[::1")


# The environment.


@pytest.mark.parametrize(
    ("variable", "field", "value"),
    [
        ("DOCKER_HOST", "docker_host", "tcp://10.0.0.1:2375"),
        ("CONSUL_HTTP_TOKEN", "token", "secret"),
        ("CONSUL_HTTP_TOKEN_FILE", "token_file", "/run/secrets/token"),
    ],
)
def test_the_environment_is_read(variable: str, field: str, value: str) -> None:
    """Docker's and Consul's own variables mean what they mean elsewhere."""
    assert getattr(parsed(**{variable: value}), field) == value


def test_an_empty_docker_host_is_none() -> None:
    """A variable that is set to nothing leaves upstream's socket."""
    assert parsed(DOCKER_HOST="").docker_host == "unix:///tmp/docker.sock"
