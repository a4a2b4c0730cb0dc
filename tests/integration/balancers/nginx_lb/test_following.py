"""The balancer follows Consul: what passes is in rotation, what does not is out."""

from __future__ import annotations

import collections
import contextlib
import threading
import time

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.backends import Backend
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import (
    Load,
    WebSocket,
    failures,
)
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage

WEB = [{"name": "web"}]


def test_a_failing_check_takes_an_instance_out(stage: NginxStage) -> None:
    """critical and warning are not passing, and passing is."""
    stage.backend("one")
    stage.backend("two", Check={"TTL": "1h", "Status": "critical", "CheckID": "two"})
    stage.start(services=WEB)
    stage.serving("one")
    stage.agent.call("PUT", "/v1/agent/check/pass/two")
    stage.serving("one", "two")
    stage.agent.call("PUT", "/v1/agent/check/warn/two")
    stage.serving("one")


def test_an_empty_service_is_told(stage: NginxStage) -> None:
    """Without an instance there is 503 with a time to come back, and /healthz is content."""
    stage.start(services=WEB)
    answer = stage.get()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    stage.reaches("fresh")


def test_weights_are_consuls(stage: NginxStage) -> None:
    """Of 3 to 1, the heavier gets three requests of four."""
    stage.backend("light", Weights={"Passing": 1, "Warning": 1})
    stage.backend("heavy", Weights={"Passing": 3, "Warning": 1})
    stage.start(services=WEB)
    stage.serving("light", "heavy")
    counts = collections.Counter(stage.get().text.split()[0] for _ in range(80))
    assert 55 <= counts["heavy"] <= 65


def test_the_environment_alone_describes_one_service(stage: NginxStage) -> None:
    """NGINX_LB_SERVICE, NGINX_LB_PORT and CONSUL_HTTP_ADDR are enough, as they always were."""
    stage.backend("one")
    values = {
        "NGINX_LB_SERVICE": "web",
        "NGINX_LB_PORT": str(stage.port),
        "NGINX_LB_CONNECT_TIMEOUT": "300ms",
        "NGINX_LB_STATUS_PORT": str(stage.status_port),
        "NGINX_LB_NETWORKS": stage.place.network,
        "CONSUL_HTTP_ADDR": f"{stage.place.backends}:{stage.agent.port}",
    }
    words = [word for key, value in values.items() for word in ("-e", f"{key}={value}")]
    stage.docker("run", "-d", "--name", stage.name, "--network", "host", *words, stage.image)
    stage.serving("one")
    assert "X-Backend" not in stage.get().headers


def test_a_wrong_environment_is_refused_in_a_sentence(stage: NginxStage) -> None:
    """The container ends with status 64 and says what is wrong."""
    stage.docker("run", "-d", "--name", stage.name, "-e", "NGINX_LB_SERVICE=a b", stage.image)
    assert stage.docker("wait", stage.name) == "64"
    assert "nginx-lb: 'a b' is not a service name" in stage.log()


def test_it_says_how_it_is(stage: NginxStage) -> None:
    """Health, status, instances and metrics tell the same story, the log every request."""
    one = stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    health = stage.reaches("fresh")
    assert (health["status"], health["reason"]) == ("ok", "")
    assert health["services"] == {"web": {"instances": 1, "held": [], "withdrawn": []}}
    stage.sees("the instance in", lambda: stage.instances()["instances"][0]["in_rotation"])
    found = stage.instances()
    assert [
        (row["service"], row["id"], row["port"], row["in_rotation"]) for row in found["instances"]
    ] == [("web", "one", one.port, True)]
    metrics = stage.metrics()
    assert metrics["nginx_lb_generation"] == found["generation"]
    assert metrics['nginx_lb_instances{service="web"}'] == 1
    assert metrics["nginx_lb_held"] == 0
    assert metrics["nginx_lb_requests_total"] > 0
    stage.get("/some?thing=else")

    [row] = stage.sees(
        "the request in the log",
        lambda: [row for row in stage.requests() if "thing=else" in row["request"]],
    )
    assert (row["backend"], row["attempts"], row["service"]) == (one.place, 1, "web")


def test_nothing_is_reloaded_for_nothing(stage: NginxStage) -> None:
    """Instances that come, go or change their tags cost no reload."""
    one = stage.backend("one", Tags=["blue"])
    # Who follows a tag is told of all tags.
    stage.start(services=[{"name": "web"}, {"name": "web", "tag": "blue", "path": "/blue"}])
    stage.serving("one")
    before = stage.loaded()
    for number in range(5):
        release = f"release-{number}"
        stage.register(one, Tags=["blue", release])
        stage.hears(release)
    stage.backend("two", Tags=["blue"])
    stage.serving("one", "two")
    stage.deregister(one)
    stage.serving("two")
    assert stage.loaded() == before


def test_an_instance_is_acknowledged_as_out(stage: NginxStage) -> None:
    """Taken out, it is shown while nginx has a connection to it, and then no more."""
    two = stage.backend("two")
    stage.start(services=WEB)
    stage.serving("two")
    slow = threading.Thread(target=lambda: stage.get("/slow?seconds=8"))
    slow.start()
    stage.sees("a slow request", lambda: any("slow" in path for _, path in two.seen))
    stage.backend("one")
    stage.rotates(web=2)
    stage.agent.call(
        "PUT", f"/v1/agent/service/maintenance/{two.name}?enable=true&reason=rolling+update"
    )

    def row() -> dict[str, object] | None:
        found = [each for each in stage.instances()["instances"] if each["id"] == "two"]
        return found[0] if found else None

    stage.sees("it leaves the rotation", lambda: (r := row()) and not r["in_rotation"])
    stage.sees("nothing is connected to it any more", lambda: row() is None)
    slow.join()
    two.seen.clear()
    for _ in range(20):
        stage.get()
    assert two.seen == []
    stage.agent.call("PUT", f"/v1/agent/service/maintenance/{two.name}?enable=false")
    stage.serving("one", "two")


@pytest.mark.full
def test_a_hundred_changes_disturb_nobody(stage: NginxStage) -> None:
    """Ten a second under load: no request fails, nothing is reloaded, and WebSockets live."""
    standing = stage.backend("standing")
    comes = Backend("comes", stage.place.backends)
    stage.backends.append(comes)
    stage.start(services=WEB)
    stage.serving("standing")
    before = stage.loaded()
    place = (stage.place.address, stage.port)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(contextlib.closing(WebSocket(*place))) for _ in range(30)]
        load = Load(*place, rate=200)
        for number in range(100):
            (stage.deregister if number % 2 else stage.register)(comes)
            time.sleep(0.1)
        assert failures(load.end()) == []
        assert {each.echo("still here") for each in sockets} == {"still here"}
    assert ("GET", "/") in comes.seen
    assert ("GET", "/") in standing.seen
    assert stage.loaded() == before


def test_what_follows_consul_comes_back(stage: NginxStage) -> None:
    """consul-template killed is started again, and no process stays behind as a zombie."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    stage.kill_follower()
    stage.backend("two")
    stage.serving("one", "two")
    assert "Z" not in stage.inside("sh", "-c", "awk '{print $3}' /proc/[0-9]*/stat")
