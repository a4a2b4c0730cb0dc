"""A command line in Go's flag syntax and an environment become settings, or a sentence."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.rollcall.discovery.tests.support.registrator.builders import HOST
from hypothesis import given
from hypothesis import strategies as st
from registrator.domain.settings import (
    FatalError,
    HelpRequested,
    Settings,
    UsageError,
    listen_address,
    parse,
    parse_explain,
    usage,
)

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
        ("-resync=-1", "resync", -1),
    ],
)
def test_upstreams_flags_are_known(word: str, field: str, value: object) -> None:
    """A command line that upstream understood is understood."""
    assert getattr(parsed(word), field) == value


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("-script-checks", "script_checks", True),
        ("-docker-health", "docker_health", True),
        ("-deregister-on-exit", "deregister_on_exit", True),
        ("-dry-run", "dry_run", True),
        ("-network=shop_default", "network", "shop_default"),
        ("-restore=tag-order, container-ip,", "restore", {"tag-order", "container-ip"}),
        ("-log-level=debug", "log_level", "debug"),
        ("-log-format=json", "log_format", "json"),
        ("-http=:9100", "http", ":9100"),
    ],
)
def test_our_own_flags_are_known(word: str, field: str, value: object) -> None:
    """What upstream does not have is asked for in the same syntax."""
    assert getattr(parsed(word), field) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("60", 60),
        ("+60", 60),
        ("-1", -1),
        ("0x3c", 60),
        ("0X3C", 60),
        ("0x_3c", 60),
        ("0b111100", 60),
        ("0o74", 60),
        ("074", 60),
        ("0_7", 7),
        ("-017", -15),
        ("1_000", 1000),
        ("00", 0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_a_number_is_written_as_in_go(text: str, value: int) -> None:
    """strconv.ParseInt with base 0 reads it."""
    assert parsed(f"-resync={text}").resync == value


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "1.0", "1e3", "_1", "1_", "1__0", "0x", "0_", "08", "--1", "60s", "٣"]
)
def test_a_number_that_go_cannot_read_is_none(text: str) -> None:
    """Python's own notation, blanks and other digits are not Go's."""
    with pytest.raises(UsageError, match=r"^invalid value .* for flag -resync: parse error"):
        parsed(f"-resync={text}")


@pytest.mark.parametrize("text", ["9223372036854775808", "-9223372036854775809", "0x1" + "0" * 16])
def test_a_number_beyond_64_bits_is_out_of_range(text: str) -> None:
    """What no integer of Go holds is refused with Go's words."""
    with pytest.raises(UsageError, match="value out of range"):
        parsed(f"-resync={text}")


@pytest.mark.parametrize("word", ["-h", "-help", "--h", "--help", "-h=1"])
def test_help_is_the_usage_with_every_default(word: str) -> None:
    """Go prints each flag with its default, whatever stands behind -h."""
    with pytest.raises(HelpRequested) as caught:
        parsed("-internal", word, "-nonsense")
    text = str(caught.value)
    assert text == usage()
    assert text.startswith("Usage of registrator:\n  registrator [options] <registry URI>\n")
    assert "  -ip string\n    \tIP for ports mapped to the host\n" in text
    assert "  -resync int\n" in text
    assert '(default "always")\n' in text
    assert "(default 2000)\n" in text
    assert "  -internal\n    \tUse internal ports instead of published ones\n" in text
    assert "  -http host:port\n" in text


def test_the_usage_is_sorted_and_short() -> None:
    """A flag is found where Go would put it, on a line that fits."""
    flags = [line.split()[0] for line in usage().splitlines() if line.startswith("  -")]
    assert flags == sorted(flags)
    assert max(map(len, usage().splitlines())) < 120


@pytest.mark.parametrize("word", ["---ip=1", "-=1", "--=1"])
def test_a_dash_without_a_flag_is_bad_syntax(word: str) -> None:
    """Go's own words for it."""
    with pytest.raises(UsageError, match=f"^bad flag syntax: {word}"):
        parsed(word)


def test_a_single_dash_is_an_argument() -> None:
    """Parsing stops at it: it is no flag."""
    with pytest.raises(UsageError, match=r"^Extra unparsed arguments:\n  -internal consul"):
        parsed("-", "-internal")


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
        ([AGENT, "more"], "Extra unparsed arguments:\n  more\n"),
        ([AGENT, "-internal"], "Extra unparsed arguments:\n  -internal\n"),
        (["-internal", "true", AGENT], f"Extra unparsed arguments:\n  {AGENT}\n"),
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
        (["-ip=10.0.0.1 172.17.0.1"], "-ip"),
        (["-ip=10.0.0.1/24"], "-ip"),
        (["-network=two words"], "-network"),
        (["-tags={{.Name}}"], "-tags"),
        (["-restore=container-ip,everything"], "-restore .* everything"),
        (["-log-level=loud"], "-log-level"),
        (["-log-level="], "-log-level"),
        (["-log-format=xml"], "-log-format"),
        (["-http=9100"], "-http"),
        (["-http=127.0.0.1"], "-http"),
        (["-http=:99999"], "-http"),
        (["-http=http://:9100"], "-http"),
        (["-http=::1:9100"], "-http"),
    ],
)
def test_values_that_contradict_each_other_are_fatal(words: list[str], flag: str) -> None:
    """A contradiction is told by the flags that make it."""
    with pytest.raises(FatalError, match=flag):
        parsed(*words)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":9100", ("", 9100)),
        ("127.0.0.1:9100", ("127.0.0.1", 9100)),
        ("[::1]:9100", ("::1", 9100)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_an_address_to_listen_on_is_gos(text: str, address: tuple[str, int]) -> None:
    """An empty host is every address, an IPv6 address stands in brackets."""
    assert listen_address(text) == address


@given(
    st.lists(
        st.text(max_size=6)
        | st.sampled_from(["-ip", "-internal", "--", AGENT])
        | st.text(max_size=12).map("consul://".__add__)
    )
)
def test_any_words_are_understood_or_refused(words: list[str]) -> None:
    """No command line ends in anything but settings, a usage or a sentence."""
    with contextlib.suppress(UsageError, FatalError, HelpRequested):
        assert parse(words, {}, HOST).registry


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
        ("consul:///", "http://127.0.0.1:8500"),
        ("consul-tls:", "https://127.0.0.1:8500"),
        ("consul-unix:///run/consul/http.sock", "unix:///run/consul/http.sock"),
        ("consul-unix:/run/consul.sock", "unix:///run/consul.sock"),
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


@pytest.mark.parametrize("uri", ["consul:", "consul-tls:"])
def test_consuls_variable_may_ask_for_tls(uri: str) -> None:
    """CONSUL_HTTP_ADDR with https:// is an address, as Consul's own tools take it."""
    found = registry(uri, CONSUL_HTTP_ADDR="https://consul.example:8501")
    assert found == "https://consul.example:8501"


def test_consuls_switch_asks_for_tls() -> None:
    """CONSUL_HTTP_SSL turns TLS on, as upstream's client does."""
    assert registry(AGENT, CONSUL_HTTP_SSL="true") == "https://127.0.0.1:8500"


@pytest.mark.parametrize(
    "uri",
    [
        "etcd://10.0.0.1:2379",
        "skydns2://10.0.0.1/domain",
        "zookeeper://10.0.0.1",
        "http://10.0.0.1:8500",
        "127.0.0.1",
        "consul",
        "",
    ],
)
def test_another_registry_is_refused(uri: str) -> None:
    """A registry that this daemon does not speak is fatal, and the message says what it speaks."""
    with pytest.raises(
        FatalError, match=r"unrecognized adapter.*supported are consul.*: (for|write)"
    ):
        registry(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "consul://[::1",
        "consul://host:port",
        "consul://host:99999",
        "consul://two words:8500",
        "consul://:8500",
        "consul-unix://run/consul.sock",
        "consul-unix:",
        "consulkv://127.0.0.1:8500",
        "consulkv://127.0.0.1:8500/",
        "consulkv-unix:///run/consul.sock",
    ],
)
def test_a_broken_registry_uri_is_refused(uri: str) -> None:
    """An address that is none is fatal, not a traceback."""
    with pytest.raises(FatalError, match="registry"):
        registry(uri)


def test_a_uri_carries_no_credentials() -> None:
    """A password on a command line is refused without being repeated in the log."""
    with pytest.raises(FatalError, match="CONSUL_HTTP_AUTH") as caught:
        registry("consul://me:secret@10.0.0.1:8500")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "address", "prefix"),
    [
        ("consulkv://10.0.0.1:8500/services", "http://10.0.0.1:8500", "services"),
        ("consulkv://10.0.0.1:8500/a/b/", "http://10.0.0.1:8500", "a/b"),
        ("consulkv:///services", "http://127.0.0.1:8500", "services"),
        ("consulkv-unix:///run/consul.sock:/services", "unix:///run/consul.sock", "services"),
    ],
)
def test_a_key_value_uri_names_a_prefix(uri: str, address: str, prefix: str) -> None:
    """Services may stand as keys below a prefix."""
    settings = parse([uri], {}, HOST)
    assert (settings.registry, settings.kv, settings.kv_prefix) == (address, True, prefix)


def test_consuls_variable_may_name_a_socket() -> None:
    """CONSUL_HTTP_ADDR with unix:// is a socket, as Consul's own tools take it."""
    assert registry("consul:", CONSUL_HTTP_ADDR="unix:///run/c.sock") == "unix:///run/c.sock"


def test_consuls_variable_may_name_nothing_else() -> None:
    """A protocol that no agent speaks is fatal."""
    with pytest.raises(FatalError, match="CONSUL_HTTP_ADDR"):
        registry("consul:", CONSUL_HTTP_ADDR="ftp://10.0.0.1")


# The environment.


@pytest.mark.parametrize(
    ("variable", "field", "value"),
    [
        ("DOCKER_HOST", "docker_host", "tcp://10.0.0.1:2375"),
        ("DOCKER_CERT_PATH", "docker_cert_path", "/certs"),
        ("CONSUL_HTTP_TOKEN", "token", "secret"),
        ("CONSUL_HTTP_TOKEN_FILE", "token_file", "/run/secrets/token"),
        ("CONSUL_HTTP_AUTH", "auth", "me:secret"),
        ("CONSUL_CACERT", "ca_file", "/ca.pem"),
        ("CONSUL_CAPATH", "ca_path", "/ca.d"),
        ("CONSUL_TLS_SERVER_NAME", "tls_server_name", "server.dc1.consul"),
        ("REGISTRATOR_HEARTBEAT", "heartbeat", "/run/alive"),
    ],
)
def test_the_environment_is_read(variable: str, field: str, value: str) -> None:
    """Docker's and Consul's own variables mean what they mean elsewhere."""
    assert getattr(parsed(**{variable: value}), field) == value


@pytest.mark.parametrize("old", [True, False])
def test_a_client_certificate_has_two_names(old: bool) -> None:
    """Older documents say TLSCERT and TLSKEY, newer ones CLIENT_CERT and CLIENT_KEY."""
    names = (
        ("CONSUL_TLSCERT", "CONSUL_TLSKEY") if old else ("CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY")
    )
    settings = parsed(**dict(zip(names, ("/cert.pem", "/key.pem"), strict=True)))
    assert (settings.client_cert, settings.client_key) == ("/cert.pem", "/key.pem")


def test_the_newer_name_counts() -> None:
    """Where both are set, the old one is a leftover."""
    settings = parsed(
        CONSUL_TLSCERT="/old.pem", CONSUL_CLIENT_CERT="/new.pem", CONSUL_CLIENT_KEY="/key.pem"
    )
    assert settings.client_cert == "/new.pem"


def test_a_certificate_without_its_key_is_fatal() -> None:
    """Half a pair is told at the start, not by a handshake."""
    with pytest.raises(FatalError, match="CONSUL_CLIENT_KEY"):
        parsed(CONSUL_CLIENT_CERT="/cert.pem")


@pytest.mark.parametrize(("text", "verify"), [("", True), ("true", True), ("0", False)])
def test_a_certificate_is_verified_unless_told_otherwise(text: str, verify: bool) -> None:
    """Only an explicit no switches it off."""
    assert parsed(CONSUL_HTTP_SSL_VERIFY=text).tls_verify is verify


@pytest.mark.parametrize("variable", ["CONSUL_HTTP_SSL", "CONSUL_HTTP_SSL_VERIFY"])
def test_a_switch_that_is_neither_yes_nor_no_is_fatal(variable: str) -> None:
    """A typing error leaves no connection less safe than it was meant."""
    with pytest.raises(FatalError, match=variable):
        parsed(**{variable: "yes"})


def test_an_empty_docker_host_is_none() -> None:
    """A variable that is set to nothing leaves upstream's socket."""
    assert parsed(DOCKER_HOST="").docker_host == "unix:///tmp/docker.sock"


def test_docker_over_tls_takes_the_users_certificates() -> None:
    """DOCKER_TLS_VERIFY means TLS whatever it says, with ~/.docker unless a folder is named."""
    settings = parsed(DOCKER_TLS_VERIFY="0", HOME="/root")
    assert (settings.docker_tls_verify, settings.docker_cert_path) == (True, "/root/.docker")
    assert parsed().docker_tls_verify is False


def test_secrets_stand_in_no_representation() -> None:
    """Settings that find their way into a log or a traceback give nothing away."""
    assert "secret" not in repr(parsed(CONSUL_HTTP_TOKEN="secret", CONSUL_HTTP_AUTH="me:secret"))


# Explain.


@pytest.mark.parametrize(
    ("words", "registry"),
    [
        (["-internal", "web"], "http://127.0.0.1:8500"),
        (["-internal", "consul://10.0.0.1:8500", "web"], "http://10.0.0.1:8500"),
    ],
)
def test_explain_takes_the_daemons_own_words(words: list[str], registry: str) -> None:
    """The daemon's command line with a container behind it, with or without the registry."""
    settings, wanted = parse_explain(words, {}, HOST)
    assert (settings.internal, settings.registry, wanted) == (True, registry, "web")


@pytest.mark.parametrize("words", [[], ["-internal"], ["a", "b", "c"]])
def test_explain_needs_a_container(words: list[str]) -> None:
    """Without one, or with more, it says how it is called."""
    with pytest.raises(UsageError, match="registrator explain"):
        parse_explain(words, {}, HOST)
