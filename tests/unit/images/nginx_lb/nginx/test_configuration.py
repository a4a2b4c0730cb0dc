"""The configuration's text; what nginx makes of it is the integration suite's matter."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from nginx_lb import routing
from nginx_lb.model import Instances
from nginx_lb.nginx import configuration
from nginx_lb.nginx.configuration import Paths
from nginx_lb.settings.model import Service

from ..builders import followed, instances, settings


def text(said: dict[str, Instances] | None = None, **options: Any) -> str:
    """The configuration for what Consul says, two instances of web if nothing else."""
    made = settings(**{"services": [{"name": "web"}], **options})
    found = {"web": instances(1, 2)} if said is None else said
    return configuration.render(made, routing.plan(made, followed(made, found), {}), Paths())


def block(rendered: str, head: str) -> str:
    """The lines of a block, up to where its indentation ends."""
    lines = rendered.splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip() == head)
    indent = len(lines[start]) - len(lines[start].lstrip())
    end = next(n for n in range(start + 1, len(lines)) if lines[n] == " " * indent + "}")
    return "\n".join(lines[start + 1 : end])


def test_the_same_set_gives_the_same_text() -> None:
    """Nothing in it depends on a clock, and nothing on the instances."""
    assert text() == text()
    assert text({"web": instances(1)}) == text({"web": instances(2)}) == text({})


def test_a_configuration_answers_with_its_generation() -> None:
    """And differs in nothing else from the one before."""
    numbered = configuration.numbered(text(), 7)
    assert 'location = /generation { return 200 "7 $pid\\n"; }' in numbered
    assert numbered.replace('"7 $pid', '"0 $pid') == text()


def test_each_request_is_sent_where_lua_says() -> None:
    """By the name of the service's instances; another name where weights do not count."""
    call = 'balancer_by_lua_block { require("nginx_lb.live").balance("%s", "round_robin", 1) }'
    assert call % "web" in block(text(), "upstream web {")
    assert call % "web+even" in block(text(defaults={"weights": False}), "upstream web {")


def test_what_is_not_retried_uses_no_idle_connection() -> None:
    """A second upstream of the same instances, without keep-alive."""
    rendered = text()
    assert "keepalive 32;" in block(rendered, "upstream web {")
    twin = block(rendered, "upstream web.no_keepalive {")
    assert "keepalive" not in twin
    assert 'balance("web", ' in twin
    assert "proxy_pass http://web$nginx_lb_no_keepalive;" in rendered


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"balance": "least_conn"}, '"web", "least_conn", 1'),
        ({"balance": "hash", "hash_key": "cookie:s"}, '"web", "hash", 1, "cookie_s"'),
        ({"fail_timeout": "500ms"}, '"web", "round_robin", 0.5'),
        # A probe without a pause would never end.
        ({"fail_timeout": "0s"}, '"web", "round_robin", 0.1'),
    ],
)
def test_the_balance_is_an_argument(options: dict[str, Any], arguments: str) -> None:
    """Method, pause between probes, and the variable that is hashed."""
    assert f"balance({arguments})" in block(text(defaults=options), "upstream web {")


def test_requests_are_counted_where_the_method_needs_it() -> None:
    """The log phase costs some percent of the throughput."""
    assert "log_by_lua_block" not in text()
    counted = block(text(defaults={"balance": "least_conn"}), "location / {")
    assert "log_by_lua_block" in counted


def test_both_ip_families_are_served() -> None:
    """Unless the host has no IPv6, where nginx would not start."""
    made = settings(services=[{"name": "web"}])
    four = configuration.render(made, routing.plan(made, {}, {}), Paths(ipv6=False))
    assert "listen [::]:80 default_server;" in text()
    assert "listen [::]" not in four
    assert "listen 80 default_server;" in four


def test_a_trusted_proxy_is_named() -> None:
    """Its headers are believed and its address is not the client's."""
    rendered = text(real_ip_from=["10.9.0.0/16"])
    assert "10.9.0.0/16 1;" in block(rendered, "geo $realip_remote_addr $nginx_lb_trusted {")
    assert "set_real_ip_from 10.9.0.0/16;" in rendered


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"hsts": 60}, 'on "max-age=60";'),
        ({}, 'on "";'),
        ({"backend_header": True}, "add_header X-Backend $nginx_lb_backend always;"),
        ({}, 'add_header X-Backend "" always;'),
        ({"connections_per_client": 5}, "limit_conn nginx_lb_clients 5;"),
        ({"worker_connections": 1000}, "worker_rlimit_nofile 2128;"),
        ({"client_timeout": "3s"}, "client_header_timeout 3s;"),
    ],
)
def test_a_setting_is_a_directive(options: dict[str, Any], line: str) -> None:
    """nginx sends no header whose value is empty."""
    assert line in text(**options)


def test_a_health_check_is_not_refused_for_what_others_do() -> None:
    """Consul's agent has the address of every other client on its host."""
    found = block(text(connections_per_client=5), "location = /healthz {")
    assert "limit_conn nginx_lb_clients 65535;" in found
    assert "limit_conn" not in block(text(), "location = /healthz {")


def test_what_a_snippet_says_is_not_replaced() -> None:
    """A word between @ is the operator's."""
    assert "# @port@ and @run@" in text(http_snippet="# @port@ and @run@")


def test_a_path_is_not_its_neighbours() -> None:
    """/shop is /shop and what is below it, not /shopping."""
    rendered = configuration.render(
        made := settings(services=[{"name": "web", "path": "/shop.v1", "strip_path": True}]),
        routing.plan(made, {"web": instances(1)}, {}),
        Paths(),
    )
    found = block(rendered, "location = /shop.v1 {")
    assert 'strip(ngx.var.request_uri, ngx.var.uri, "/shop.v1")' in found
    assert "proxy_pass http://web$nginx_lb_no_keepalive$nginx_lb_uri;" in found
    assert "location ^~ /shop.v1/ {" in rendered
    assert "location / { return 404" in rendered


def test_only_what_differs_from_the_defaults_is_repeated() -> None:
    """A thousand services do not say the same thing a thousand times."""
    rendered = text(services=[{"name": "web", "read_timeout": "7s"}], defaults={"tries": 2})
    assert rendered.count("proxy_next_upstream_tries 2;") == 1
    assert "proxy_read_timeout 7s;" in block(rendered, "location / {")
    assert "proxy_connect_timeout" not in block(rendered, "location / {")


def test_a_list_of_nothing_means_nothing() -> None:
    """Who says that no answer makes the next instance be tried gets that, not the default."""
    rendered = text(
        services=[{"name": "web"}, {"name": "shop", "path": "/shop", "retry_on": ["error"]}],
        defaults={"retry_on": []},
    )
    assert rendered.count("proxy_next_upstream off;") == 1
    assert "proxy_next_upstream error;" in rendered


def test_tls_has_the_certificate_of_the_host() -> None:
    """The one whose hosts name it, else the first; redirected where that is asked for."""
    rendered = text(
        services=[{"name": "web", "hosts": ["a.example", "b.other.org"]}],
        tls={
            "certificates": [{"name": "main"}, {"name": "other", "hosts": ["*.other.org"]}],
            "redirect": True,
        },
    )
    assert rendered.count("certificates/other.pem;") == 1
    assert rendered.count("certificates/main.pem;") == 2
    assert rendered.count("return 308 https://$host$request_uri;") == 3
    assert rendered.count("ssl default_server;") == 2


def test_snippets_stand_where_the_operator_put_them() -> None:
    """In the http block, in each public server, in the service's location."""
    rendered = text(
        http_snippet="# of http\n# two lines",
        server_snippet="# of server",
        services=[{"name": "web", "snippet": "# of location"}],
    )
    assert "\n  # of http\n  # two lines\n" in rendered
    assert rendered.count("\n    # of server\n") == 1
    assert "      # of location" in block(rendered, "location / {")


@pytest.mark.parametrize("word", ["a b", "a;", "a{", "a\n", 'a"', "a#", "ä"])
def test_the_last_door_is_shut(word: str) -> None:
    """Even if validation let it pass, what is not a plain word cannot be written."""
    made = settings(services=[{"name": "web"}])
    strange = dataclasses.replace(made, services=(Service(word),))
    with pytest.raises(ValueError, match="is not a plain word"):
        configuration.render(strange, routing.plan(strange, {}, {}), Paths())
