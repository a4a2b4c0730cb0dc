"""The balancer follows Consul: what passes is in rotation, what does not is out."""

from __future__ import annotations

import collections
import json
import threading
import time

from rollcall_agents.polling import eventually

from .load import Load, failures
from .stage import Stage, both_planes

WEB = [{"name": "web"}]


@both_planes
def test_what_starts_and_stops_is_followed(stage: Stage) -> None:
    """One instance, a second, the first again alone: within a second each."""
    first = stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    second = stage.backend("two")
    stage.serving("one", "two")
    stage.deregister(second)
    stage.serving("one")
    assert stage.get().headers["X-Backend"] == first.place


@both_planes
def test_a_failing_check_takes_an_instance_out(stage: Stage) -> None:
    """critical and warning are not passing, and passing is."""
    stage.backend("one")
    stage.backend("two", Check={"TTL": "1h", "Status": "critical", "CheckID": "two"})
    stage.start(services=WEB)
    stage.serving("one")
    stage.agent.call("PUT", "/v1/agent/check/pass/two")
    stage.serving("one", "two")
    stage.agent.call("PUT", "/v1/agent/check/warn/two")
    stage.serving("one")


def test_an_empty_service_is_told(stage: Stage) -> None:
    """Without an instance there is 503 with a time to come back, and /healthz is content."""
    stage.start(services=WEB)
    answer = stage.get()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    stage.reaches("fresh")


@both_planes
def test_weights_are_consuls(stage: Stage) -> None:
    """Of 3 to 1, the heavier gets three requests of four."""
    stage.backend("light", Weights={"Passing": 1, "Warning": 1})
    stage.backend("heavy", Weights={"Passing": 3, "Warning": 1})
    stage.start(services=WEB)
    stage.serving("light", "heavy")
    counts = collections.Counter(stage.get().text.split()[0] for _ in range(80))
    assert 55 <= counts["heavy"] <= 65


def test_the_environment_alone_describes_one_service(stage: Stage) -> None:
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
    assert stage.get().headers["X-Backend"] == stage.backends[0].place


def test_a_wrong_environment_is_refused_in_a_sentence(stage: Stage) -> None:
    """The container ends with status 64 and says what is wrong."""
    stage.docker("run", "-d", "--name", stage.name, "-e", "NGINX_LB_SERVICE=a b", stage.image)
    assert stage.docker("wait", stage.name) == "64"
    assert "nginx-lb: 'a b' is not a service name" in stage.log()


@both_planes
def test_it_says_how_it_is(stage: Stage) -> None:
    """Health, status, instances and metrics tell the same story, the log every request."""
    one = stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    health = stage.reaches("fresh")
    assert (health["status"], health["reason"]) == ("ok", "")
    assert health["services"] == {"web": {"instances": 1, "held": []}}
    stage.sees("the instance in", lambda: stage.instances()["instances"][0]["in_rotation"])
    found = stage.instances()
    assert [
        (row["service"], row["id"], row["port"], row["in_rotation"]) for row in found["instances"]
    ] == [("web", "one", one.port, True)]
    assert found["instances"][0]["generations"] == [found["generation"]]
    metrics = stage.metrics()
    assert metrics["nginx_lb_generation"] == found["generation"]
    assert metrics['nginx_lb_instances{service="web"}'] == 1
    assert metrics["nginx_lb_held"] == 0
    assert metrics["nginx_lb_requests_total"] > 0
    stage.get("/some?thing=else")

    def logged() -> list[dict[str, object]]:
        lines = [line for line in stage.log().splitlines() if line.startswith("{")]
        return [row for row in map(json.loads, lines) if "thing=else" in row["request"]]

    [row] = eventually("the request in the log", logged)
    assert (row["backend"], row["attempts"], row["service"]) == (one.place, 1, "web")


def test_nothing_is_reloaded_for_nothing(stage: Stage) -> None:
    """A re-registration that changes nothing that nginx needs costs no reload."""
    one = stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    before = stage.metrics()["nginx_lb_reloads_total"]
    for number in range(5):
        stage.register(one, Tags=[f"release-{number}"])
        time.sleep(0.3)
    assert stage.metrics()["nginx_lb_reloads_total"] == before


@both_planes
def test_a_container_made_anew_serves_what_was_served(stage: Stage) -> None:
    """With Consul away, another container on the same volume serves from its first moment."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    stage.agent.kill()
    load = _asked_without_a_pause(stage)
    stage.recreate()
    assert stage.names() == {"one"}
    # In between nobody is there to answer.
    assert {each.outcome for each in load.end() if each.outcome.isdigit()} == {"200"}
    assert stage.reaches("stale")["services"]["web"]["instances"] == 1


@both_planes
def test_the_first_instance_is_routed_to_when_nginx_knows_it(stage: Stage) -> None:
    """Until then its service is empty, and nobody meets anything between the two."""
    stage.start(services=WEB)
    load = _asked_without_a_pause(stage)
    stage.backend("one")
    stage.serving("one")
    assert {each.outcome for each in load.end()} == {"503", "200"}


def test_the_data_plane_changes_and_nobody_notices(stage: Stage) -> None:
    """There and back, while it is asked all the time."""
    stage.backend("one")
    stage.backend("two")
    stage.start(services=WEB)
    stage.serving("one", "two")
    load = _asked_without_a_pause(stage)
    for plane in ("dns", "reload"):
        stage.settings(services=WEB, data_plane=plane, revision=plane)
        stage.uses(plane)
    assert failures(load.end()) == []


def _asked_without_a_pause(stage: Stage) -> Load:
    """More than four clients can ask."""
    return Load(stage.place.address, stage.port, rate=4000, clients=4)


def test_it_stops_when_every_request_is_answered(stage: Stage) -> None:
    """SIGTERM lets a slow request end, and the container ends with status 0."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(stage.get("/slow?seconds=2").status), daemon=True
    )
    asking.start()
    time.sleep(0.5)
    stage.docker("stop", stage.name)
    asking.join(10)
    assert answers == [200]
    assert stage.docker("wait", stage.name) == "0"


def test_what_follows_consul_comes_back(stage: Stage) -> None:
    """consul-template killed is started again, and no process stays behind as a zombie."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    stage.kill_follower()
    stage.backend("two")
    stage.serving("one", "two")
    assert "Z" not in stage.inside("sh", "-c", "awk '{print $3}' /proc/[0-9]*/stat")
