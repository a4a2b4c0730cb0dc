"""The role: from an inventory's words to a balancer that acknowledges them.

It owns all balancers of its engine: stories at once would each remove the other's.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from .plays import Recap, run_role
from .stage import Stage, certificate

Play = Callable[..., Recap]


@pytest.fixture
def play(stage: Stage, tmp_path: pathlib.Path) -> Play:
    """Run the role here with the stage's ports, and more variables and arguments."""
    if stage.place.engine:
        pytest.skip("the role runs on the host itself")

    def run(*arguments: str, **variables: Any) -> Recap:
        values = {
            "image": stage.image,
            "pull": "never",
            "name": stage.name,
            "directory": str(stage.folder),
            "volume": stage.name,
            "port": stage.port,
            "tls_port": stage.tls_port,
            "status_port": stage.status_port,
            "name_server_port": stage.dns_port,
            "consul_address": f"{stage.place.backends}:{stage.agent.port}",
            "networks": [stage.place.network],
            "service": "web",
            "wait_timeout": 20,
            **variables,
        }
        return run_role("nginx_lb", values, tmp_path, *arguments)

    return run


def test_an_empty_host_becomes_a_balancer(stage: Stage, play: Play) -> None:
    """Predicted, made, left alone by a second run and a dry one, and removed."""
    stage.backend("one")
    stage.folder.joinpath("certificates").rmdir()
    stage.folder.rmdir()
    predicted = play("--check", "--diff")
    assert (predicted.failed, stage.container(), stage.folder.exists()) == (0, "", False)
    assert predicted.changed > 0
    first = play()
    assert first.failed == 0, first.output
    assert stage.names() == {"one"}
    made = stage.container()
    for arguments in ((), ("--check", "--diff")):
        again = play(*arguments)
        assert (again.changed, again.failed) == (0, 0), again.output
    assert stage.container() == made
    gone = play(state="absent")
    assert (gone.failed, stage.container(), stage.folder.exists()) == (0, "", False), gone.output
    assert play(state="absent").changed == 0
    stage.folder.mkdir()


def test_settings_change_while_it_serves(stage: Stage, play: Play, tmp_path: pathlib.Path) -> None:
    """Services, tuning and TLS come into use without another container; secrets stay secret."""
    stage.backend("one")
    stage.backend("two", "shop")
    assert play().failed == 0
    made = stage.container()
    certificate(tmp_path, "main", "main.example")
    key, public = ((tmp_path / f"main.{kind}").read_text() for kind in ("key", "pem"))
    more: dict[str, Any] = {
        "services": [
            {"name": "web"},
            {"name": "shop", "hosts": ["Shop.example"], "tries": "2", "weights": "no"},
        ],
        "certificates": [{"name": "main", "certificate": public, "key": key}],
        "consul_token": "anything-secret",
        "balance": "least_conn",
        "gzip": True,
    }
    recap = play("-vv", "--diff", **more)
    assert recap.failed == 0, recap.output
    assert stage.container() == made
    stage.serving("two", host="shop.example")
    assert "anything-secret" not in recap.output
    assert "PRIVATE KEY" not in recap.output
    private = stage.folder / "certificates" / "main.key"
    assert (private.stat().st_mode & 0o777, private.read_text()) == (0o600, key)
    assert play(**more).changed == 0
    assert play().failed == 0
    assert not private.exists()
    assert stage.container() == made


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"service": "a b"}, 'Among the service names of nginx_lb, "a b" will not do'),
        ({"services": [{"name": "web", "hosts": ["a;b"]}]}, '"a;b" will not do: write a name such'),
        ({"services": [{"name": "web", "path": "/../x"}]}, "Among the paths of nginx_lb"),
        (
            {"services": [{"name": "a"}, {"name": "b"}]},
            "want every host /: give each host and path",
        ),
        ({"connect_timeout": "soon"}, '"soon" will not do: write a number with ms, s, m or h'),
        ({"networks": ["everywhere"]}, '"everywhere" will not do'),
        ({"status_port": 80, "port": 80}, "are not all different"),
        ({"guard_max_drop": 2}, "nginx_lb_guard_max_drop 2 is no share"),
        ({"balance": "best"}, "value of nginx_lb_balance must be one of"),
        (
            {"services": [{"hosts": []}]},
            "missing required arguments: name found in nginx_lb_services",
        ),
        ({"services": [{"name": "web", "pth": "/"}]}, "pth"),
    ],
)
def test_wrong_input_changes_nothing(
    stage: Stage, play: Play, variables: dict[str, Any], sentence: str
) -> None:
    """One clear sentence, before a file is written or a container made."""
    before = sorted(path.name for path in stage.folder.rglob("*"))
    recap = play(**variables)
    assert (recap.changed, recap.failed) == (0, 1), recap.output
    assert sentence in " ".join(recap.output.split())
    assert sorted(path.name for path in stage.folder.rglob("*")) == before
    assert stage.container() == ""


def test_a_snippet_that_nginx_refuses_fails_the_play_and_nothing_else(
    stage: Stage, play: Play
) -> None:
    """The role says nginx's reason, the old settings serve on."""
    stage.backend("one")
    assert play().failed == 0
    recap = play(server_snippet="no such thing;")
    assert recap.failed == 1
    text = " ".join(recap.output.split())
    assert "the balancer refuses its settings, the last good ones serve on" in text
    assert "unknown directive" in text
    assert stage.names() == {"one"}


def test_a_consul_that_does_not_answer_is_said(stage: Stage, play: Play) -> None:
    """A balancer that follows nobody is not called done."""
    recap = play(consul_address="127.0.0.1:1", wait_timeout=4)
    assert recap.failed == 1
    assert "it has not heard from Consul what runs" in " ".join(recap.output.split())
