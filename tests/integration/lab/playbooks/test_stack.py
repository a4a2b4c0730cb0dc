"""The main job: the page rotates over three hosts, found through Consul."""

from __future__ import annotations

from ..conftest import HOSTS, Eventually, Lab


def balancers(lab: Lab) -> set[tuple[str, int]]:
    """The status of the own check of each registered balancer, and its port."""
    return {
        (check["Status"], entry["Service"]["Port"])
        for entry in lab.consul("/v1/health/service/nginx-lb")
        for check in entry["Checks"]
        if check["ServiceID"]
    }


def test_the_page_is_answered_by_all_three_hosts(lab: Lab) -> None:
    """Thirty requests to the balancer reach every host."""
    answers = [lab.get(lab.page) for _ in range(30)]
    assert {answer.split()[3] for answer in answers} == set(HOSTS)


def test_the_catalog_knows_the_service_with_each_hosts_tag(lab: Lab) -> None:
    """Consul lists my-web-server with one tag a host."""
    tags = lab.consul("/v1/catalog/services")["my-web-server"]
    assert sorted(tags) == ["backend-1", "backend-2", "backend-3"]


def test_the_cluster_survives_the_loss_of_a_server(lab: Lab) -> None:
    """Three voters, one leader, failure tolerance 1."""
    health = lab.consul("/v1/operator/autopilot/health")
    voters = [server["Voter"] for server in health["Servers"]]
    assert (health["FailureTolerance"], voters) == (1, [True, True, True])
    assert sum(server["Leader"] for server in health["Servers"]) == 1


def test_the_ui_answers(lab: Lab) -> None:
    """Consul's UI is served on the first host."""
    assert "Consul" in lab.ask("/ui/")


def test_a_second_run_changes_nothing(lab: Lab) -> None:
    """site.yml on a converged lab reports changed=0 everywhere."""
    recap = lab.converge()
    assert (recap.changed, recap.failed) == (dict.fromkeys(HOSTS, 0), 0), recap.output


def test_a_dry_run_on_a_converged_lab_announces_nothing(lab: Lab) -> None:
    """--check --diff after convergence reports changed=0 everywhere."""
    recap = lab.converge("--check", "--diff")
    assert (recap.changed, recap.failed) == (dict.fromkeys(HOSTS, 0), 0), recap.output


def test_scaling_out_and_in_leaves_the_truth(lab: Lab, eventually: Eventually) -> None:
    """Three a host make nine in rotation; one a host makes three, and nothing is left behind."""
    lab.converge("-e", "helloworld_count=3")
    eventually(lambda: len(lab.passing()) == 9 and lab.passing() == lab.containers(), 15)
    eventually(lambda: len(lab.backends(36)) == 9, 15)
    lab.converge("-e", "helloworld_count=1")
    eventually(lambda: len(lab.passing()) == 3 and lab.passing() == lab.containers(), 15)
    eventually(lambda: len(lab.backends(12)) == 3, 15)


def test_a_balancer_of_another_port_is_registered_there(lab: Lab, eventually: Eventually) -> None:
    """Its check passes at the other port, nothing is left at port 80, and the audit agrees."""
    deploy = "playbooks/deploy/load_balancer.yml"
    moved = lab.play(deploy, "-e", "nginx_lb_port=8080")
    assert not moved.failed, moved.output
    try:
        eventually(lambda: balancers(lab) == {("passing", 8080)}, 15)
        audit = lab.play("playbooks/audit.yml")
        assert not audit.failed, audit.output
    finally:
        lab.play(deploy)
    eventually(lambda: balancers(lab) == {("passing", 80)}, 15)


def test_an_instance_whose_host_left_the_group_is_gone(lab: Lab, eventually: Eventually) -> None:
    """host-3 taken out of the web servers keeps no container, and Consul none of its services."""
    recap = lab.converge("-e", "rollcall_web_servers=host-1,host-2")
    assert not recap.failed, recap.output
    eventually(lambda: len(lab.passing()) == 2 and lab.passing() == lab.containers(), 15)
    assert len(lab.consul("/v1/catalog/service/my-web-server")) == 2
    lab.converge()
    eventually(lambda: len(lab.passing()) == 3 and lab.passing() == lab.containers(), 15)


def test_a_rebooted_host_returns_by_itself(lab: Lab, eventually: Eventually) -> None:
    """After `docker restart host-2` its instance is back, and no ghost stays."""
    lab.reboot("host-2")
    eventually(lambda: len(lab.passing()) == 3 and lab.passing() == lab.containers(), 90)


def test_three_rebooted_hosts_return_by_themselves(lab: Lab, eventually: Eventually) -> None:
    """After all hosts restart at once the whole stack is back, and no ghost stays."""
    lab.reboot(*HOSTS)
    eventually(lambda: len(lab.passing()) == 3 and lab.passing() == lab.containers(), 120)
    eventually(lambda: len(lab.backends(12)) == 3, 15)
