"""What an agent and a balancer answer, read."""

from __future__ import annotations

from rollcall_drills.observer import consul_answers


def test_metrics_keep_their_labels() -> None:
    """A label's value may hold blanks and braces; what is no sample is passed over."""
    text = """# HELP nginx_lb_up Whether it is.
nginx_lb_up 1
nginx_lb_seen{path="/a b",x="{}"} 2.5 1700000000
rollcall_ghosts 0
nginx_lb_broken
nginx_lb_worse x
process_cpu_seconds_total 4
"""
    assert consul_answers.metrics(text) == {
        "nginx_lb_up": 1.0,
        'nginx_lb_seen{path="/a b",x="{}"}': 2.5,
        "rollcall_ghosts": 0.0,
    }


def test_a_client_agent_has_no_term() -> None:
    """Only servers take part in Raft."""
    document = {
        "Config": {"NodeName": "host-4", "Version": "1.22.7"},
        "Member": {"Addr": "10.0.0.4"},
        "Stats": {"consul": {"server": "false"}},
    }
    assert consul_answers.self_(document) == consul_answers.Self(
        None, None, "host-4", "10.0.0.4", "1.22.7"
    )
