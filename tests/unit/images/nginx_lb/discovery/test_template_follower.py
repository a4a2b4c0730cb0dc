"""What consul-template is told."""

from __future__ import annotations

import json
import re

from nginx_lb.discovery import template_follower
from nginx_lb.settings.model import Consul


def test_every_value_of_consuls_is_data() -> None:
    """No action of the template prints anything that has not gone through toJSON."""
    text = template_follower.template([("web", True), ("api", False)])
    actions = re.findall(r"{{-?\s*(.*?)\s*-?}}", text)
    printing = [each for each in actions if not each.startswith(("range", "end"))]
    assert len(printing) == 9
    assert all(each.endswith("| toJSON") for each in printing)


def test_it_waits_for_consul_for_ever() -> None:
    """0 attempts have no end; a render tells our process."""
    told = json.loads(template_follower.configuration(Consul("c", 8501, "https"), "x", "/d", 7))
    assert told["consul"]["retry"]["attempts"] == 0
    assert told["consul"]["address"] == "https://c:8501"
    assert told["consul"]["ssl"]["verify"] is True
    assert "token_file" not in told["consul"]
    with_token = json.loads(template_follower.configuration(Consul(token_file="/t"), "x", "/d", 7))
    assert with_token["consul"]["token_file"] == "/t"
    assert told["template"][0]["exec"]["command"] == ["kill -USR1 7"]


def test_a_lone_change_is_rendered_at_once() -> None:
    """It waits for no more than the other answers to the same change."""
    told = json.loads(template_follower.configuration(Consul(), "x", "/d", 7))
    assert told["wait"] == {"min": "5ms", "max": "100ms"}
