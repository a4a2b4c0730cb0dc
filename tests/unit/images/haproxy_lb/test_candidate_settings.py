"""What the supervisor accepts, and in which order it tries it."""

from __future__ import annotations

import dataclasses

import pytest
from haproxy_lb.candidate_settings import (
    RESOLVERS,
    CandidateSettings,
    InvalidSettings,
    candidates,
    holds,
    keys,
    ports,
    refused,
    server_state,
)

RENDERED = """global

  setenv ROLLCALL_WEB_MAXCONN 50

# refused: "web/evil": "1" is not a known setting, or its value is not valid
"""


def test_settings_are_taken_and_what_was_skipped_is_told() -> None:
    """The settings alone are HAProxy's, the rest is for people."""
    assert keys(RENDERED) == "global\n  setenv ROLLCALL_WEB_MAXCONN 50\n"
    assert refused(RENDERED) == (
        '"web/evil": "1" is not a known setting, or its value is not valid',
    )


def test_no_setting_is_nothing_to_load() -> None:
    """A catalog without keys, or with bad ones alone, is no new configuration."""
    assert keys("global\n\n# refused: all\n") == keys("") == ""


@pytest.mark.parametrize(
    "line",
    [
        "frontend evil",
        "  bind :6666",
        "  setenv PATH /tmp",
        "  setenv ROLLCALL_A b c",
        "  setenv ROLLCALL_A $HOME",
        '  setenv ROLLCALL_A "b"',
        "  setenv ROLLCALL_A b # c",
        " setenv ROLLCALL_A b",
        "  setenv ROLLCALL_A " + "b" * 17,
        "  setenv ROLLCALL_\u00c4 b",
        "# \u2028frontend evil",
        "# a\x0bfrontend evil",
        "global evil",
        ".if 1",
    ],
    ids=ascii,
)
def test_a_line_that_is_no_setting_is_never_used(line: str) -> None:
    """Whatever a template may ever let through."""
    with pytest.raises(InvalidSettings):
        keys(f"global\n{line}\n")


def test_bad_words_of_one_side_stop_only_that_side() -> None:
    """All that is new, else the keys alone, else the role's files alone; never what runs."""
    old, new = ((("main.key", key),) for key in ("old", "new"))
    running = CandidateSettings("1", "d1", "b1", "k1", False, old)
    wanted = CandidateSettings("2", "d2", "b2", "k2", True, new)
    assert list(candidates(wanted, running)) == [
        wanted,
        CandidateSettings("1", "d1", "b1", "k2", True, old),
        CandidateSettings("2", "d2", "b2", "k1", True, new),
    ]
    assert list(candidates(running, running)) == []
    only_keys = dataclasses.replace(running, keys="k2")
    assert list(candidates(only_keys, running)) == [only_keys]


def test_the_ports_are_those_of_plain_addresses() -> None:
    """On which another program may listen; HAProxy's own kinds of addresses are not understood."""
    lines = (
        *("bind :80", "bind 0.0.0.0:443 ssl crt-list certificates/list", "  bind [::]:80 v6only"),
        *("bind 127.0.0.1:8404", "bind unix@/run/health.sock", "bind :81,:82", "bind :90-99"),
        *("bind abns@x:1", 'bind "${ADDRESS}:1"', "# bind :1", "unbind :1"),
    )
    settings = CandidateSettings(balancer="\n".join(f"  {line}" for line in lines))
    assert ports(settings) == {
        ("0.0.0.0", 80),
        ("0.0.0.0", 443),
        ("::", 80),
        ("127.0.0.1", 8404),
    }


def test_only_settings_that_hold_instances_ask_without_end() -> None:
    """What is on the volume says which they are."""
    usual, holding = CandidateSettings(), CandidateSettings(hold=True)
    assert "HAPROXY_LB_RESOLVE_RETRIES 2\n" in usual.files()[RESOLVERS]
    # 500 ms each; HAProxy's time is a signed number of 32 bits, in milliseconds.
    retries = int(holding.files()[RESOLVERS].split()[-1])
    assert 19 * 86400 * 2 < retries < 2**31 / 500
    assert holds(holding.files()[RESOLVERS])
    assert not holds(usual.files()[RESOLVERS])
    assert not holds("")


def test_no_representation_shows_a_certificates_key() -> None:
    """It would stand in a traceback."""
    settings = CandidateSettings(certificates=(("main.key", "secret"),))
    assert settings.files()["certificates/main.key"] == "secret"
    assert "secret" not in repr(settings)


def test_whom_the_guard_shut_is_open_for_the_next_process() -> None:
    """Only the bit of a forced maintenance goes; the time, which always differs, is none."""
    head = "1\n# be_id be_name srv_id ...\n"
    rest = "1 1 77 6 3 4 6 0 0 0 a.addr 80 _web._tcp.service.consul 0 0 - - 0"
    line = "3 service_web 1 web-1 127.0.0.1 2 65 " + rest
    assert len(line.split(" ")) == 25
    kept = "3 service_web 1 web-1 127.0.0.1 2 64 " + rest.replace("77", "0", 1)
    assert server_state(f"{head}{line}\n\n") == f"{head}{kept}\n"
