"""The configuration's text; what nginx makes of it is the integration suite's matter."""

from __future__ import annotations

import re
from typing import Any

import pytest
from balancer import nginx_conf, site
from balancer.nginx_conf import Paths
from balancer.snapshot import Instance, Instances, Place

from .builders import followed, instances, place, settings


def text(said: dict[str, Instances] | None = None, **options: Any) -> str:
    """The configuration for what Consul says, two instances of web if nothing else."""
    made = settings(**{"services": [{"name": "web"}], **options})
    found = {"web": instances(1, 2)} if said is None else said
    return nginx_conf.render(made, site.plan(made, followed(made, found), {}), Paths())


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
    numbered = nginx_conf.numbered(text(), 7)
    assert 'location = /generation { return 200 "7 $pid\\n"; }' in numbered
    assert numbered.replace('"7 $pid', '"0 $pid') == text()


def test_instances_become_servers() -> None:
    """Address, port, and what nginx does when one fails; IPv6 in brackets."""
    six = Instance(Place("2001:db8::1", 8080))
    upstream = block(text({"web": (*instances(1), six)}), "upstream web {")
    assert "server 10.0.0.1:80 max_fails=1 fail_timeout=1s;" in upstream
    assert "server [2001:db8::1]:8080 max_fails=1 fail_timeout=1s;" in upstream


def test_weights_stand_where_they_differ() -> None:
    """And only where they are asked for."""
    uneven = (Instance(place(1), 1), Instance(place(2), 3))
    assert "10.0.0.2:80 weight=3 " in text({"web": uneven})
    assert "weight=" not in text({"web": (Instance(place(1), 3), Instance(place(2), 3))})
    assert "weight=" not in text({"web": uneven}, defaults={"weights": False})


def test_what_is_not_repeated_takes_no_kept_connection() -> None:
    """A second upstream of the same instances, without keep-alive."""
    rendered = text()
    assert "keepalive 32;" in block(rendered, "upstream web {")
    fresh = block(rendered, "upstream web.fresh {")
    assert "keepalive 0;" in fresh
    assert "server 10.0.0.1:80" in fresh
    assert "proxy_pass http://web$nginx_lb_fresh;" in rendered


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
    rendered = nginx_conf.render(
        made := settings(services=[{"name": "web", "path": "/shop.v1", "strip_path": True}]),
        site.plan(made, {"web": instances(1)}, {}),
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


def test_the_dns_data_plane_names_no_instance() -> None:
    """The text stays when instances come and go: nothing to reload for."""
    some = text({"web": instances(1)}, data_plane="dns")
    assert some == text({"web": instances(2, 3)}, data_plane="dns")
    assert "return 503" in text({}, data_plane="dns")
    upstream = block(some, "upstream web {")
    assert "resolver 127.0.0.1:8405;" in upstream
    assert f"server {nginx_conf.dns_label('web')}.lb.invalid service=lb resolve" in upstream


AGAIN = "location @nginx_lb_again_0 {"


def test_a_request_whose_set_changed_below_it_begins_again() -> None:
    """nginx of the data plane `dns` gives it up; only who was given no instance comes this way."""
    shop = {"name": "web", "path": "/shop", "strip_path": True, "read_timeout": "2s"}
    rendered = text(services=[{**shop, "snippet": "# theirs"}], data_plane="dns")
    for head in ("location = /shop {", "location ^~ /shop/ {"):
        assert "error_page 502 = @nginx_lb_again_0;" in block(rendered, head)
    again = block(rendered, AGAIN)
    assert again.strip().startswith("if ($nginx_lb_tried) { return 502; }")
    assert "proxy_read_timeout 2s;" in again
    assert "# theirs" in again
    assert "proxy_pass http://web$nginx_lb_fresh;" in again
    assert "rewrite" not in again


@pytest.mark.parametrize(
    "options",
    [
        {"data_plane": "reload"},
        {"http_snippet": "error_page 502 /sorry.html;"},
        {"server_snippet": "error_page 502 /sorry.html;"},
        {"services": [{"name": "web", "snippet": "error_page 502 /sorry.html;"}]},
        {"services": [{"name": "web", "snippet": "rewrite ^ /below$uri break;"}]},
    ],
)
def test_an_operators_pages_and_rewrites_come_first(options: dict[str, Any]) -> None:
    """No error_page of ours hides theirs, nothing is rewritten twice, and reloads need none."""
    rendered = text(**{"data_plane": "dns", **options})
    assert "nginx_lb_again" not in rendered
    assert AGAIN in text(data_plane="dns")


def test_the_name_server_knows_every_name_that_nginx_asks_for() -> None:
    """Each upstream's own name, and the one without kept connections has another."""
    made = settings(services=[{"name": "web"}], data_plane="dns")
    found = site.plan(made, {"web": instances(1)}, {})
    sets = nginx_conf.dns_sets(found)
    rendered = nginx_conf.render(made, found, Paths())
    assert sorted(sets) == sorted(re.findall(r"server (\S+)[.]lb[.]invalid", rendered))
    assert set(sets.values()) == {("web", instances(1))}


def test_nobody_is_routed_to_a_name_that_nginx_does_not_know() -> None:
    """It asks for the name already, and requests go to the addresses; what it knows stays."""
    made = settings(
        services=[{"name": "web"}, {"name": "shop", "hosts": ["shop.example"]}], data_plane="dns"
    )
    found = site.plan(made, {"web": instances(1), "shop": instances(2)}, {})
    assert nginx_conf.named_keys(made, found) == {"web", "shop"}
    first = nginx_conf.render(made, site.introduced(found, {"web"}), Paths())
    assert "http://shop$nginx_lb_fresh" in first
    assert "http://web.start$nginx_lb_fresh" in first
    assert "http://web$nginx_lb_fresh" not in first
    assert "server 10.0.0.1:80 " in block(first, "upstream web.start {")
    assert "server 10.0.0.1:80 " in block(first, "upstream web.start.fresh {")
    last = nginx_conf.render(made, found, Paths())
    for name in ("web", "web.fresh", "shop", "shop.fresh"):
        assert block(first, f"upstream {name} {{") == block(last, f"upstream {name} {{")
    assert ".start" not in last


def test_only_a_name_with_instances_is_asked_for() -> None:
    """An empty service has no upstream, and reloads ask for no name."""
    options = {"services": [{"name": "web"}]}
    for plane, numbers in (("dns", ()), ("reload", (1,))):
        made = settings(**options, data_plane=plane)
        found = site.plan(made, {"web": instances(*numbers)}, {})
        assert nginx_conf.named_keys(made, found) == frozenset()


@pytest.mark.parametrize("key", ["a" * 128, "a" * 127 + "b", "A_b", "a-b", "a.2"])
def test_a_name_fits_into_dns(key: str) -> None:
    """However long or strange the service's own name is, and no two share one."""
    label = nginx_conf.dns_label(key)
    assert re.fullmatch(r"[a-z0-9-]{1,63}", label)
    assert label != nginx_conf.dns_label(key + "x")


@pytest.mark.parametrize("word", ["a b", "a;", "a{", "a\n", 'a"', "a#", "ä"])
def test_the_last_door_is_shut(word: str) -> None:
    """Even if a grammar let it by, what is no plain word cannot be written."""
    strange = (Instance(Place(word, 80)),)
    with pytest.raises(ValueError, match="is no word"):
        text({"web": strange})
