"""The role: from an inventory's words to a balancer that acknowledges them."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from ..balancer.plays import Recap, run_role
from .stage import HaproxyStage

Play = Callable[..., Recap]


@pytest.fixture
def play(stage: HaproxyStage, tmp_path: pathlib.Path) -> Play:
    """Run the role here with the stage's ports, and more variables and arguments."""

    def run(*arguments: str, **variables: Any) -> Recap:
        values = {
            "image": stage.image,
            "pull": "never",
            "name": stage.name,
            "directory": str(stage.folder),
            "volume": stage.name,
            "wait_timeout": 20,
            "virtualenv": "",
            **stage.inputs(**variables),
        }
        return run_role("haproxy_lb", values, tmp_path, *arguments)

    return run


def test_an_empty_host_becomes_a_balancer(stage: HaproxyStage, play: Play) -> None:
    """Predicted, made, left alone by a second run and a dry one, and removed."""
    stage.backend("one")
    stage.folder.rmdir()
    predicted = play("--check", "--diff")
    assert (predicted.failed, stage.container(), stage.folder.exists()) == (0, "", False)
    assert predicted.changed > 0
    first = play()
    assert first.failed == 0, first.output
    stage.serving("one")
    made = stage.container()
    for arguments in ((), ("--check", "--diff")):
        again = play(*arguments)
        assert (again.changed, again.failed) == (0, 0), again.output
    assert stage.container() == made
    gone = play(state="absent")
    assert (gone.failed, stage.container(), stage.folder.exists()) == (0, "", False), gone.output
    assert play(state="absent").changed == 0
    stage.folder.mkdir()


def test_settings_change_while_it_serves(stage: HaproxyStage, play: Play) -> None:
    """Services and tuning come into use without another container; the token stays secret."""
    stage.backend("one")
    stage.backend("two", "shop")
    assert play().failed == 0
    made = stage.container()
    more: dict[str, Any] = {
        "services": [
            {"name": "web"},
            {"name": "shop", "hosts": ["Shop.example"], "retries": "2", "slots": "5"},
        ],
        "consul_token": "anything-secret",
        "wait_for_consul": False,
    }
    predicted = play("--check", "--diff", **more)
    assert predicted.failed == 0, predicted.output
    assert "_shop._tcp.service.consul" in predicted.output
    assert "anything-secret" not in predicted.output
    recap = play("-vv", "--diff", **more)
    assert recap.failed == 0, recap.output
    assert stage.container() == made
    stage.serving("two", host="shop.example")
    assert "anything-secret" not in recap.output
    private = stage.folder / "consul.token"
    assert (private.stat().st_mode & 0o777, private.read_text()) == (0o600, "anything-secret")
    assert play(**more).changed == 0
    assert play().failed == 0
    assert not private.exists()
    assert stage.container() == made


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"service": "a b"}, 'Among the service names of haproxy_lb, "a b" will not do'),
        ({"service": "web\n  bind :1"}, "Among the service names of haproxy_lb"),
        ({"service": "a.b"}, '"a.b" will not do: write at most 62 letters'),
        ({"services": [{"name": "web", "hosts": ["a;b"]}]}, '"a;b" will not do: write a name such'),
        ({"services": [{"name": "web", "path": "/../x"}]}, "Among the paths of haproxy_lb"),
        ({"services": [{"name": "web", "tag": "a\nb"}]}, "Among the tags of haproxy_lb"),
        (
            {"services": [{"name": "a"}, {"name": "b"}]},
            "want every host /: give each host and path",
        ),
        (
            {"services": [{"name": "web"}, {"name": "WEB", "path": "/x"}]},
            "names web twice: give all hosts to one entry",
        ),
        ({"timeout_connect": "soon"}, '"soon" will not do: write a number with ms, s or m'),
        ({"networks": ["everywhere"]}, '"everywhere" will not do'),
        ({"consul_dns": "localhost:8600"}, '"localhost:8600" will not do: write an IP address'),
        ({"kv_prefix": 'a" ]]'}, "Among the prefixes of keys of haproxy_lb"),
        ({"slots": 0}, '"0" will not do: write a number from 1 to 1000'),
        ({"status_port": 80, "port": 80}, "are not all different"),
        ({"port": 70000}, '"70000" will not do'),
        ({"balance": "best"}, "value of haproxy_lb_balance must be one of"),
        (
            {"services": [{"hosts": []}]},
            "missing required arguments: name found in haproxy_lb_services",
        ),
        ({"services": [{"name": "web", "pth": "/"}]}, "pth"),
    ],
)
def test_wrong_input_changes_nothing(
    stage: HaproxyStage, play: Play, variables: dict[str, Any], sentence: str
) -> None:
    """One clear sentence, before a file is written or a container made."""
    recap = play(**variables)
    assert (recap.changed, recap.failed) == (0, 1), recap.output
    assert sentence in " ".join(recap.output.split())
    assert list(stage.folder.iterdir()) == []
    assert stage.container() == ""


def test_a_snippet_that_haproxy_refuses_fails_the_play_and_nothing_else(
    stage: HaproxyStage, play: Play
) -> None:
    """The role says HAProxy's reason, the old settings serve on; and says it again next time."""
    stage.backend("one")
    assert play().failed == 0
    stage.serving("one")
    for _ in range(2):
        recap = play(snippet="nosuch thing")
        assert recap.failed == 1
        text = " ".join(recap.output.split())
        assert "HAProxy refuses its settings, the last good ones serve on" in text
        assert "unknown keyword" in text
    assert stage.names() == {"one"}


def test_a_consul_that_does_not_answer_is_said(play: Play) -> None:
    """A balancer that follows nobody is not called done."""
    recap = play(consul_address="127.0.0.1:1", wait_timeout=4)
    assert recap.failed == 1
    assert "it has not heard from Consul" in " ".join(recap.output.split())
