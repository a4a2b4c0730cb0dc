"""What Consul says is believed when it can be: an outage or an amnesia empties nothing."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil
import socket
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.backends import Backend
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import Load, failures
from ansible_collections.rollcall.discovery.tests.support.balancer.fixtures import Stages
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage
from ansible_collections.rollcall.discovery.tests.support.balancer.stage import Place
from ansible_collections.rollcall.discovery.tests.support.stalls import at_most
from rollcall_agents.clusters import guarded

WEB = [{"name": "web"}]
TOKEN = "b1a5c3f0-0000-4000-8000-00000000ba1a"
BALANCER_RULES = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }'


def amnesia(stage: NginxStage) -> None:
    """Consul is killed, loses everything it knew, and is back: healthy and empty."""
    stage.agent.kill()
    shutil.rmtree(stage.agent.folder / "data")
    stage.agent.start()


def test_a_re_created_cluster_is_held_against(stage: NginxStage) -> None:
    """A healthy and empty Consul after the loss of all data takes nobody out of rotation."""
    one, two = stage.backend("one"), stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    load = Load(stage.place.address, stage.port, rate=40)
    amnesia(stage)
    said = stage.reaches("held")
    assert said["reason"] == "web: the Consul cluster was re-created"
    held = {"held": sorted([one.place, two.place]), "withdrawn": []}
    assert said["services"]["web"] == {"instances": 2, **held}
    assert stage.metrics()["nginx_lb_held"] == 1
    stage.register(one)
    stage.sees(
        "the second held alone",
        lambda: stage.status()["services"]["web"]["held"] == [two.place],
    )
    assert stage.names() == {"one", "two"}
    stage.register(two)
    stage.reaches("fresh")
    assert failures(load.end()) == []
    stage.deregister(two)
    stage.serving("one")


def test_a_new_catalog_is_believed_in_the_end(stage: NginxStage) -> None:
    """What nobody has registered again within the longest hold is gone."""
    stage.backend("one")
    stage.start(services=WEB, guard={"max_hold_seconds": 4})
    stage.serving("one")
    amnesia(stage)
    stage.reaches("held")
    stage.sees("an empty service", lambda: stage.get().status == 503)
    stage.reaches("fresh")


def test_a_hold_survives_the_container(stage: NginxStage) -> None:
    """A balancer made anew after the loss knows from its volume which cluster it had believed."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    stage.sees(
        "a cluster ID", lambda: "consul" in stage.inside("cat", "/var/lib/nginx-lb/state.json")
    )
    stage.docker("rm", "-f", stage.name)
    amnesia(stage)
    stage.run()
    assert stage.reaches("held")["reason"] == "web: the Consul cluster was re-created"
    assert stage.names() == {"one"}


def started_at(place: Backend, name: str, stage: NginxStage) -> Backend:
    """Another instance at the port of this one, which Consul does not know."""
    backend = Backend(name, place.address, place.port)
    stage.backends.append(backend)
    return backend


def test_a_port_that_became_another_containers_gets_no_requests(stage: NginxStage) -> None:
    """Consul is away: the host refused connections in between, and the other one serves."""
    one = stage.backend("one")
    stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    stage.agent.kill()
    stage.kill(one)
    stage.sees("the withdrawal", lambda: stage.withdrawn() == [one.place])
    stranger = started_at(one, "stranger", stage)
    assert {stage.get().name for _ in range(20)} == {"two"}
    assert stranger.seen == []
    stage.agent.start()
    stage.deregister(one)
    stage.reaches("fresh")
    stage.sees("no withdrawal", lambda: stage.withdrawn() == [])
    assert stage.names() == {"two"}


def test_an_instance_says_itself_what_it_is(stage: NginxStage) -> None:
    """One that is started again at its port is served, and no other at the port of the last."""
    one = stage.backend("one")
    stage.start(services=[{"name": "web", "verify_path": "/", "verify_text": "one"}])
    stage.sees("the question", lambda: ("GET", "/") in one.seen)
    stage.serving("one")
    stage.agent.kill()
    stage.kill(one)
    stranger = started_at(one, "stranger", stage)
    stage.sees("the withdrawal", lambda: stage.withdrawn() == [one.place])
    assert stage.get().status == 503
    stage.kill(stranger)
    started_at(one, "one", stage)
    stage.sees("it", lambda: stage.withdrawn() == [] and stage.get().name == "one")


def test_the_operator_has_the_last_word(stage: NginxStage) -> None:
    """`nginx-lb accept` believes Consul at once about what is held."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    amnesia(stage)
    stage.reaches("held")
    assert json.loads(stage.inside("nginx-lb", "accept", "web")) == {"accepted": ["web"]}
    stage.sees("an empty service", lambda: stage.get().status == 503)
    assert json.loads(stage.inside("nginx-lb", "accept")) == {"accepted": []}


def test_the_last_one_is_let_go_when_the_leader_insists(stage: NginxStage) -> None:
    """An empty service of a healthy Consul is believed after the time of confirmation."""
    one = stage.backend("one")
    stage.start(services=WEB, guard={"confirm_seconds": 3})
    stage.serving("one")
    stage.deregister(one)
    assert stage.reaches("held")["reason"] == "web: Consul reports no instance"
    with at_most(6, "a confirmation of three seconds"):
        stage.sees("an empty service", lambda: stage.get().status == 503)


def test_a_confirmed_loss_of_most_is_no_matter_of_waiting(stage: NginxStage) -> None:
    """Three of four gone at once, with a leader that confirms it, are out at once."""
    gone = [stage.backend(name) for name in ("one", "two", "three")]
    stage.backend("four")
    stage.start(services=WEB, guard={"confirm_seconds": 60})
    stage.serving("one", "two", "three", "four")
    for backend in gone:
        stage.deregister(backend)
    stage.serving("four")
    assert stage.status()["state"] == "fresh"


def test_a_restart_of_consul_with_its_data_is_no_event(stage: NginxStage) -> None:
    """Consul killed and back with what it knew: nobody leaves, nothing is held at the end."""
    stage.backend("one")
    stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    load = Load(stage.place.address, stage.port, rate=40)
    stage.agent.kill()
    stage.agent.start()
    stage.reaches("fresh")
    stage.backend("three")
    stage.serving("one", "two", "three")
    assert stage.status()["state"] == "fresh"
    assert failures(load.end()) == []


@pytest.mark.parametrize("what", ["http_snippet", "server_snippet", "service", "grammar"])
def test_a_broken_setting_is_refused_and_nothing_happens(stage: NginxStage, what: str) -> None:
    """The old configuration serves on and follows Consul on; the reason is told."""
    stage.backend("one")
    stage.start(services=WEB, revision="good")
    stage.serving("one")
    table: dict[str, dict[str, Any]] = {
        "http_snippet": {"http_snippet": "no such thing;"},
        "server_snippet": {"server_snippet": "}"},
        "service": {"services": [{"name": "web", "snippet": "proxy_pass nowhere"}]},
        "grammar": {"services": [{"name": "web", "hosts": ["a;b"]}]},
    }
    stage.settings(**{"services": WEB, "revision": "bad", **table[what]})
    said = stage.sees(
        "a refusal", lambda: said if not (said := stage.status())["settings"]["accepted"] else None
    )
    assert said["settings"]["revision"] == "good"
    assert said["settings"]["reason"]
    stage.backend("two")
    stage.serving("one", "two")
    stage.recreate()
    stage.serving("one", "two")
    stage.settings(services=WEB, health_path="/alive")
    stage.acknowledged()
    assert stage.get("/alive").status == 200


def test_a_first_start_with_broken_settings_serves_nobody(stage: NginxStage) -> None:
    """There is nothing to return to: the balancer lives, answers 404 and tells the reason."""
    stage.backend("one")
    stage.start(services=WEB, http_snippet="no such thing;")
    assert stage.get().status == 404
    # It serves before it tells: nginx comes first.
    stage.sees(
        "nginx's reason",
        lambda: 'unknown directive "no"' in stage.status()["settings"]["reason"],
    )
    stage.settings(services=WEB)
    stage.serving("one")


def test_one_bad_instance_costs_the_others_nothing(stage: NginxStage) -> None:
    """An address that is none, or one of the balancer's own host, is skipped and told."""
    stage.backend("one")
    for number, address in enumerate(("1.2.3.4;}", "169.254.169.254", "web.example.org")):
        stage.agent.register("web", f"bad-{number}", Address=address, Port=80)
    stage.start(services=WEB)
    stage.serving("one")
    said = stage.status()
    assert len(said["skipped"]) == 3
    assert any("1.2.3.4;}" in row["reason"] for row in said["skipped"])
    assert "skipped 'web'" in stage.log()
    assert stage.metrics()["nginx_lb_skipped"] == 3


def test_a_discovered_service_is_guarded_too(stage: NginxStage) -> None:
    """A re-created cluster takes no route from a discovered service; a real removal does."""
    tags = ["lb", "lb.host=shop.example"]
    one = stage.backend("one", "shop", Tags=tags)
    stage.start(discover={})
    stage.serving("one", host="shop.example")
    amnesia(stage)
    stage.reaches("held")
    assert stage.names(host="shop.example") == {"one"}
    stage.register(one, "shop", Tags=tags)
    stage.reaches("fresh")
    stage.register(one, "shop", Tags=["other"])
    stage.sees("no route", lambda: stage.get(host="shop.example").status == 404)
    stage.sees("it is forgotten", lambda: stage.instances()["instances"] == [])


def test_an_answer_that_an_acl_has_filtered_is_held_against(
    place: Place, stages: Stages, tmp_path: pathlib.Path
) -> None:
    """A token that loses its view of the nodes sees an empty service: nobody leaves."""
    quick = 'acl { policy_ttl = "1s" }'
    with guarded(tmp_path, "-hcl", quick, address=place.backends) as agent:
        stage: NginxStage = stages(NginxStage, agent=agent)
        policy = {"Name": "balancer", "Rules": BALANCER_RULES}
        made = agent.call("PUT", "/v1/acl/policy", policy)
        wanted = {"Policies": [{"Name": "balancer"}], "SecretID": TOKEN}
        agent.call("PUT", "/v1/acl/token", wanted)
        (stage.folder / "consul.token").write_text(TOKEN)
        stage.backend("one")
        consul = {
            "address": f"{place.backends}:{agent.port}",
            "token_file": "/etc/nginx-lb/conf/consul.token",
        }
        stage.start(services=WEB, consul=consul)
        stage.serving("one")
        less = BALANCER_RULES.replace('node_prefix "" { policy = "read" }', "")
        agent.call("PUT", f"/v1/acl/policy/{made['ID']}", {**policy, "Rules": less})
        limited = dataclasses.replace(agent, token=TOKEN)
        query = "/v1/health/service/web?passing"
        stage.sees("a filtered answer", lambda: limited.get(query) == [])
        # A query that is blocked learns of it within a minute, one that is asked anew at once.
        stage.kill_follower()
        said = stage.reaches("held")
        assert said["reason"] == "web: Consul's answer was filtered by an ACL"
        assert stage.names() == {"one"}
        agent.call("PUT", f"/v1/acl/policy/{made['ID']}", policy)
        stage.sees("a whole answer", lambda: limited.get(query))
        stage.kill_follower()
        stage.reaches("fresh")
        assert TOKEN not in stage.log() + stage.docker("inspect", stage.name)


def test_a_configuration_that_does_not_serve_is_taken_back(stage: NginxStage) -> None:
    """nginx reads it and cannot have its port: the last good one serves on and follows on."""
    if stage.place.engine:
        pytest.skip("the port is taken on this machine")
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    with socket.socket() as taken:
        taken.bind((stage.place.address, 0))
        taken.listen()
        load = Load(stage.place.address, stage.port, rate=40, reopens=True)
        stage.settings(services=WEB, port=taken.getsockname()[1])
        said = stage.sees(
            "a refusal", lambda: s if not (s := stage.status())["settings"]["accepted"] else None
        )
        assert "did not serve within 5 s" in said["settings"]["reason"]
        stage.backend("two")
        stage.serving("one", "two")
        assert failures(load.end()) == []
    stage.settings(services=WEB)
    stage.sees("a pardon", lambda: stage.status()["settings"]["accepted"])


def test_settings_that_change_no_service_leave_it_served_and_synced(stage: NginxStage) -> None:
    """Consul says nothing new, and what it said counts on."""
    one, _two = stage.backend("one"), stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    stage.settings(services=WEB, gzip=True)
    stage.acknowledged()
    with at_most(2, "to know again what Consul said"):
        stage.sees("the sync with Consul", lambda: stage.status()["synced"])
    stage.deregister(one)
    stage.serving("two")
