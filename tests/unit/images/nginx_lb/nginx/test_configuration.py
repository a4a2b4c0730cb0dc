"""The configuration's text; what nginx makes of it is the integration suite's matter."""

from __future__ import annotations

from typing import Any

import pytest
from nginx_lb import routing
from nginx_lb.model import Endpoint, Instance, Instances
from nginx_lb.nginx import configuration
from nginx_lb.nginx.configuration import Paths

from ..builders import endpoint, followed, instances, settings


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
    """Nothing in it depends on a clock or on Consul's order."""
    assert text() == text()
    assert text({"web": instances(1)}) != text({"web": instances(2)})


def test_a_configuration_answers_with_its_generation() -> None:
    """And differs in nothing else from the one before."""
    numbered = configuration.numbered(text(), 7)
    assert 'location = /generation { return 200 "7 $pid\\n"; }' in numbered
    assert numbered.replace('"7 $pid', '"0 $pid') == text()


def test_instances_become_servers() -> None:
    """Address, port, and what nginx does when one fails; IPv6 in brackets."""
    six = Instance(Endpoint("2001:db8::1", 8080))
    upstream = block(text({"web": (*instances(1), six)}), "upstream web {")
    assert "server 10.0.0.1:80 max_fails=1 fail_timeout=1s;" in upstream
    assert "server [2001:db8::1]:8080 max_fails=1 fail_timeout=1s;" in upstream


def test_weights_stand_where_they_differ() -> None:
    """And only where they are asked for."""
    uneven = (Instance(endpoint(1), 1), Instance(endpoint(2), 3))
    assert "10.0.0.2:80 weight=3 " in text({"web": uneven})
    assert "weight=" not in text({"web": (Instance(endpoint(1), 3), Instance(endpoint(2), 3))})
    assert "weight=" not in text({"web": uneven}, defaults={"weights": False})


def test_what_is_not_retried_uses_no_idle_connection() -> None:
    """A second upstream of the same instances, without keep-alive."""
    rendered = text()
    assert "keepalive 32;" in block(rendered, "upstream web {")
    twin = block(rendered, "upstream web.no_keepalive {")
    assert "keepalive 0;" in twin
    assert "server 10.0.0.1:80" in twin
    assert "proxy_pass http://web$nginx_lb_no_keepalive;" in rendered


def test_an_empty_service_is_told() -> None:
    """No upstream without a server, which nginx would refuse."""
    rendered = text({})
    assert "upstream" not in rendered.replace("_upstream", "").replace("$upstream", "")
    assert "return 503" in block(rendered, "location / {")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"balance": "least_conn"}, "least_conn;"),
        ({"balance": "hash", "hash_key": "cookie:s"}, "hash $cookie_s consistent;"),
    ],
)
def test_the_balance_is_nginxs(options: dict[str, Any], line: str) -> None:
    """Each way has its directive."""
    assert line in block(text(defaults=options), "upstream web {")


def test_a_path_is_not_its_neighbours() -> None:
    """/shop is /shop and what is below it, not /shopping."""
    rendered = configuration.render(
        made := settings(services=[{"name": "web", "path": "/shop.v1", "strip_path": True}]),
        routing.plan(made, {"web": instances(1)}, {}),
        Paths(),
    )
    assert "rewrite ^/shop[.]v1/?(.*)$ /$1 break;" in block(rendered, "location = /shop.v1 {")
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
    assert rendered.count("ssl default_server;") == 1


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
    strange = (Instance(Endpoint(word, 80)),)
    with pytest.raises(ValueError, match="is not a plain word"):
        text({"web": strange})
