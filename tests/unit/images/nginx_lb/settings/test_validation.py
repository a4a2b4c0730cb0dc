"""What may become syntax, and what may not."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest
from nginx_lb.settings import validation
from nginx_lb.settings.validation import InvalidValue

_HOSTILE = [
    *(
        "",
        " ",
        "a b",
        "a;b",
        "a{b",
        "a}b",
        "a\nb",
        "a\n",
        "\na",
        "a$b",
        "a#b",
        'a"b',
        "a'b",
        "a\\b",
    ),
    *("a\0b", "a\tb", "a\u2028b", "{{a}}", "ä", "\uff41", "²", "a" * 1000, None, 1, True, [], {}),
]


@pytest.mark.parametrize("value", _HOSTILE, ids=ascii)
@pytest.mark.parametrize(
    "check",
    [
        *(
            validation.name,
            validation.host,
            validation.path,
            validation.address,
            validation.network,
        ),
        *(
            validation.duration,
            validation.size,
            validation.header,
            validation.hash_key,
            validation.tag,
        ),
    ],
    ids=lambda check: check.__name__,
)
def test_no_hostile_word_passes(check: Callable[[Any], Any], value: Any) -> None:
    """Blanks, separators, quotes, controls, braces, other alphabets, and what is no text."""
    with pytest.raises(InvalidValue) as told:
        check(value)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 200


@pytest.mark.parametrize(
    ("check", "value", "becomes"),
    [
        (validation.name, "my-web_server1", "my-web_server1"),
        (validation.name, "n" * 128, "n" * 128),
        (validation.host, "Shop.Example.ORG", "shop.example.org"),
        (validation.host, "*.example.org", "*.example.org"),
        (validation.path, "/", "/"),
        (validation.path, "/shop/", "/shop"),
        (validation.path, "/a/b.c~d", "/a/b.c~d"),
        (validation.address, "10.0.0.1", ipaddress.ip_address("10.0.0.1")),
        (validation.address, "2001:DB8:0::1", ipaddress.ip_address("2001:db8::1")),
        (validation.address, "::ffff:10.0.0.1", ipaddress.ip_address("10.0.0.1")),
        (validation.duration, "500ms", "500ms"),
        (validation.size, "10m", "10m"),
        (validation.hash_key, "client_address", "$remote_addr"),
        (validation.hash_key, "header:X-User", "$http_x_user"),
        (validation.hash_key, "cookie:session", "$cookie_session"),
    ],
)
def test_what_fits_is_normalised(check: Callable[[Any], Any], value: str, becomes: Any) -> None:
    """Two ways to write the same give the same text."""
    assert check(value) == becomes


@pytest.mark.parametrize(
    ("check", "value"),
    [
        *((validation.name, text) for text in ("-web", "web.two", "n" * 129, "web@dc2", "web|any")),
        *(
            (validation.host, text)
            for text in ("-a", "a-", "a..b", "*", "a.*", "~a", "h" * 64, "a.")
        ),
        *((validation.path, text) for text in ("shop", "/a/../b", "/.", "/a//b", "/%2e", "/a?b")),
        *(
            (validation.address, text)
            for text in ("10.0.0.01", "10.0.0", "fe80::1%eth0", "1.2.3.4 ")
        ),
        *((validation.port, number) for number in (0, 65536, -1, True, 80.0, "80")),
        *((validation.weight, number) for number in (0, 65536, None)),
        *((validation.hash_key, text) for text in ("$uri", "header:", "header:a_b", "cookie:a-b")),
        (validation.header, "X_Y"),
        (validation.flag, "yes"),
    ],
)
def test_what_nearly_fits_is_refused(check: Callable[[Any], Any], value: Any) -> None:
    """One character too many, one too few, or a meaning of its own."""
    with pytest.raises(InvalidValue):
        check(value)


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "0.0.0.0", "169.254.169.254", "224.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "ff02::1", "::ffff:127.0.0.1"),
    ],
)
def test_the_balancers_own_host_is_no_instance(text: str) -> None:
    """Whoever names an address could else reach Consul's agent or a cloud's metadata through us."""
    address = validation.address(text)
    with pytest.raises(InvalidValue):
        validation.reachable(address, ())
    whole = validation.network(f"{address}/{address.max_prefixlen}")
    assert validation.reachable(address, (whole,)) == address


def test_named_networks_are_the_only_ones() -> None:
    """Where the operator names networks, an address elsewhere is refused."""
    networks = (validation.network("10.0.0.0/8"),)
    assert validation.reachable(validation.address("10.1.2.3"), networks)
    with pytest.raises(InvalidValue):
        validation.reachable(validation.address("192.0.2.1"), networks)


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("2m", 120), ("1h", 3600)]
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    """nginx's notation, read."""
    assert validation.seconds(text) == seconds
