"""What the role writes: read as HAProxy reads it."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.haproxy_files import (
    evaluated,
    files,
    secrets,
)
from haproxy_lb.candidate_settings import CandidateSettings, ports, resolver

SERVICES: list[dict[str, Any]] = [
    {"name": "web", "path": "/x", "hosts": ["A.example", "*.b.example"], "strip_path": True},
    {"name": "shop-2", "hosts": ["long.a.example", "a.example"], "slots": 3, "tag": "blue"},
    {"name": "rest", "timeout_server": "5s", "maxconn": 7, "retries": 0},
]
CERTIFICATES: list[dict[str, Any]] = [
    {"name": "main", "certificate": "c", "key": "k"},
    {"name": "shop", "certificate": "c2", "key": "k2", "hosts": ["shop.example", "*.shop.example"]},
]
HOSTILE = ("a\nb", "a b", "a;b", "a#b", 'a"b', "${HOME}", "a{b}", "[[ a ]]", "\u00e4", "", "a\\b")


def sections(text: str) -> dict[str, list[list[str]]]:
    """The words of each line below each section's name."""
    found: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        if line.strip() and not line.strip().startswith("#"):
            if line[0] != " ":
                found[line] = []
            else:
                found[list(found)[-1]].append(shlex.split(line))
    return found


def routes(**inputs: Any) -> list[tuple[str, str]]:
    """Backend and condition of each rule, in their order."""
    lines = sections(files(**inputs)["balancer.cfg"])["frontend public"]
    rules = [words for words in lines if words[0] == "use_backend"]
    return [(words[1], " ".join(words[3:])) for words in rules]


def test_instances_come_from_consuls_dns() -> None:
    """One template for each service, by its name and tag, as many slots as were said."""
    found = sections(files(services=SERVICES, consul_domain="dc.example")["balancer.cfg"])
    templates = {
        name: words[1:]
        for name, lines in found.items()
        for words in lines
        if words[0] == "server-template"
    }
    assert templates == {
        "backend service_web": ["web-", "20", "_web._tcp.service.dc.example"],
        "backend service_shop-2": ["shop-2-", "3", "_shop-2._blue.service.dc.example"],
        "backend service_rest": ["rest-", "20", "_rest._tcp.service.dc.example"],
    }
    assert ["nameserver", "agent", "127.0.0.1:8600"] in found["resolvers consul"]


@pytest.mark.parametrize("dns", ["127.0.0.1:8600", "[::1]:53"])
def test_the_supervisor_asks_whom_haproxy_asks(dns: str) -> None:
    """It reads in HAProxy's configuration where Consul's DNS is, and for what."""
    found = files(services=SERVICES, consul_dns=dns, consul_domain="dc.example")["balancer.cfg"]
    host, _colon, port = dns.rpartition(":")
    assert resolver(CandidateSettings(balancer=found)) == (
        host.strip("[]"),
        int(port),
        ("consul.service.dc.example", "_web._tcp.service.dc.example"),
    )
    assert resolver(CandidateSettings()) is None


def test_the_ports_are_those_of_the_bind_lines() -> None:
    """Of all frontends."""
    found = files(port=8080, certificates=CERTIFICATES)["balancer.cfg"]
    assert ports(CandidateSettings(balancer=found)) == {
        *((address, port) for address in ("0.0.0.0", "::") for port in (8080, 443)),
        ("127.0.0.1", 8404),
    }


def test_the_more_exact_route_comes_first() -> None:
    """Names before patterns, the longer before the shorter, and a known name falls to nobody."""
    assert routes(services=SERVICES) == [
        ("service_shop-2", "{ var(txn.host) -m str long.a.example }"),
        ("service_web", "{ var(txn.host) -m str a.example } { path /x }"),
        ("service_web", "{ var(txn.host) -m str a.example } { path -m beg /x/ }"),
        ("service_shop-2", "{ var(txn.host) -m str a.example }"),
        ("service_web", "{ var(txn.host) -m end .b.example } { path /x }"),
        ("service_web", "{ var(txn.host) -m end .b.example } { path -m beg /x/ }"),
        ("nowhere", "{ var(txn.host) -m end .b.example }"),
        ("service_rest", ""),
    ]


def test_every_variable_that_a_backend_reads_has_a_value() -> None:
    """And every value that a key may change is read inside quotes, where it is one word."""
    found = files(services=SERVICES)
    read = re.findall(r'"\$\{([A-Z0-9_]+)\}"', found["balancer.cfg"])
    # HAProxy's program sets it.
    read.remove("HAPROXY_LB_RESOLVE_RETRIES")
    assert found["balancer.cfg"].count("$" + "{") == len(read) + 1 == 19
    given = dict(words[1:] for words in sections(found["defaults.cfg"])["global"])
    assert set(read) == set(given)
    assert (given["ROLLCALL_REST_MAXCONN"], given["ROLLCALL_SHOP_2_MAXCONN"]) == ("7", "0")
    assert given["ROLLCALL_REST_TIMEOUT_SERVER"] == "5s"


def test_what_the_role_gives_passes_the_keys_own_grammar() -> None:
    """A default that a key could not say would be a setting that nobody can return to."""
    grammars = {
        name: grammar["pattern"]
        for grammar in evaluated("__haproxy_lb_key_patterns")
        for name in grammar["settings"]
    }
    [service] = evaluated("__haproxy_lb_resolved", service="web")
    for name, pattern in grammars.items():
        assert re.fullmatch(pattern, str(service[name])), name


def test_a_post_is_never_sent_twice() -> None:
    """Every backend switches repetition off for what must not be done twice, and tells it first."""
    for name, lines in sections(files(services=SERVICES)["balancer.cfg"]).items():
        if name.startswith("backend service_"):
            rule = "http-request disable-l7-retry if { method POST PATCH LOCK }"
            assert rule in {" ".join(words) for words in lines}
            assert ["http-reuse", "never"] in lines
            assert ["http-request", "lua.rollcall_guard", name.split()[1]] in lines


@pytest.mark.parametrize(
    ("inputs", "missing"),
    [
        ({"status_port": 0}, "frontend status"),
        ({"keepalive": True}, "http-reuse never"),
        ({"access_log": False}, "option httplog"),
    ],
)
def test_what_is_switched_off_is_not_there(inputs: dict[str, Any], missing: str) -> None:
    """And is there otherwise."""
    assert missing in files()["balancer.cfg"]
    assert missing not in files(**inputs)["balancer.cfg"]


@pytest.mark.parametrize(
    ("inputs", "there"),
    [
        ({"backend_header": True}, "X-Backend"),
        ({"hsts": 60}, "Strict-Transport-Security max-age=60 if { ssl_fc }"),
        ({"certificates": CERTIFICATES}, " ssl "),
        ({"certificates": CERTIFICATES, "tls_redirect": True}, "redirect code 308"),
        ({"real_ip_from": ["192.0.2.1"]}, "lua.rollcall_client"),
    ],
)
def test_what_is_not_asked_for_is_not_there(inputs: dict[str, Any], there: str) -> None:
    """And is there where it is."""
    assert there not in files()["balancer.cfg"]
    assert there in files(**inputs)["balancer.cfg"]


def test_it_listens_on_both_families() -> None:
    """On each port, and by IPv6 only where the host has it."""
    lines = files(port=8080, certificates=CERTIFICATES)["balancer.cfg"].splitlines()
    binds = [line.split()[1] for line in lines if line.startswith("  bind ")]
    assert binds[:4] == ["0.0.0.0:8080", "0.0.0.0:443", "[::]:8080", "[::]:443"]
    inside = lines[lines.index("  .if defined(HAPROXY_LB_IPV6)") : lines.index("  .endif")]
    assert [line.split()[-1] for line in inside[1:]] == ["v6only", "v6only"]


def test_each_certificate_has_its_hosts() -> None:
    """The first is for who has none, others without hosts are for the hosts in them."""
    third = {"name": "third", "certificate": "c3", "key": "k3", "hosts": []}
    found = files(certificates=[*CERTIFICATES, third])
    assert found["certificates/list"].splitlines() == [
        "certificates/main.crt !*",
        "certificates/shop.crt shop.example *.shop.example",
        "certificates/third.crt",
    ]
    named = files(certificates=[{**third, "hosts": ["third.example"]}])
    assert named["certificates/list"].split()[-1] == "third.example"


def test_a_renewed_key_is_another_revision_and_is_in_no_file_that_is_shown() -> None:
    """The revision is what the balancer reads its files for."""
    one, other = (
        {"certificates": [{"name": "main", "certificate": "c", "key": key}]}
        for key in ("first-secret", "second-secret")
    )
    assert files(**one)["revision"] != files(**other)["revision"]
    assert secrets(**one)["certificates/main.key"] == "first-secret"
    assert not any("first-secret" in text for text in files(**one).values())


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        *((name, True) for name in ("x-forwarded-for", "x-forwarded-prefix", "x_forwarded_for")),
        *((name, True) for name in ("forwarded", "x-real-ip", "true-client-ip", "client_ip")),
        *((name, True) for name in ("x-original-url", "x-rewrite-url", "cf-connecting-ip")),
        *((name, False) for name in ("x-forward", "forwarded-x", "x-request-id", "client-ipad")),
        *((name, False) for name in ("x-original-message", "accept", "x-http-method-override")),
    ],
)
def test_the_headers_of_proxies_are_known_by_their_names(name: str, taken: bool) -> None:
    """Those that programs believe, and no others; HAProxy has names in small letters."""
    lines = sections(files()["balancer.cfg"])["frontend public"]
    [pattern] = [words[2] for words in lines if words[:2] == ["http-request", "del-header"]][:1]
    assert bool(re.search(pattern, name)) == taken


def test_consul_template_waits_for_ever_and_prints_no_value_unseen() -> None:
    """0 attempts have no end; a key's value is printed where a pattern has read it, or quoted."""
    found = files(services=SERVICES, consul_address="https://c:8501", consul_token="t")
    told = json.loads(found["follower.json"])
    assert told["consul"]["retry"]["attempts"] == 0
    assert told["consul"]["address"] == "https://c:8501"
    assert told["consul"]["ssl"]["enabled"] is True
    assert told["consul"]["token_file"] == "/etc/haproxy-lb/conf/consul.token"
    actions = re.findall(r"\[\[-?\s*(.*?)\s*-?\]\]", found["keys.ctmpl"])
    printing = {each for each in actions if not each.startswith(("range", "if", "else", "end"))}
    assert printing == {
        '.Key | toUpper | replaceAll "-" "_" | replaceAll "/" "_"',
        ".Value",
        'printf "%+.100q" .Key',
        'printf "%+.40q" .Value',
    }
    tests = [each for each in actions if " regexMatch " in each]
    assert len(tests) == 4
    assert all(each.count(' regexMatch "^(') == 2 == each.count(')$")') for each in tests)


def test_another_token_is_another_revision_and_is_in_no_file_that_is_shown() -> None:
    """What the balancer acknowledges stands for secrets too."""
    one, other = (files(consul_token=token) for token in ("first-secret", "second-secret"))
    assert one["revision"] != other["revision"]
    assert not any("first-secret" in text for text in one.values())


@pytest.mark.parametrize("word", HOSTILE, ids=ascii)
@pytest.mark.parametrize(
    "rule",
    [
        "label",
        "domain",
        "host",
        "path",
        "network",
        "address",
        "dns",
        "consul",
        "prefix",
        "duration",
        "header",
        "certificate",
    ],
)
def test_no_pattern_of_the_role_takes_syntax(rule: str, word: str) -> None:
    """Whatever becomes a word of a configuration is plain."""
    pattern = evaluated(f"__haproxy_lb_{rule}")
    assert not re.match(pattern, word)
    assert not re.match(pattern, f"web{word}" if word else "")
