"""How long a broken host stays in use, and when it is back."""

from __future__ import annotations

import pytest
from ansible_collections.rollcall.discovery.tests.support.drills.stories import (
    Story,
    host_dies,
    story,
)
from rollcall_drills.analysis.rotation import TargetFigures


def effect(told: Story) -> TargetFigures:
    """What the story's one fault did to its one target."""
    (one,) = told.judged().figures.targets
    return one


def test_a_dead_host_is_tried_until_it_is_out_of_rotation() -> None:
    """The last attempt counts, answered or not."""
    assert effect(host_dies(out=0.4)).out_of_rotation_s == pytest.approx(0.4, abs=0.05)


def test_a_host_nobody_tries_any_more_was_out_at_once() -> None:
    """No request after the fault is no use."""
    assert effect(host_dies(out=0.0)).out_of_rotation_s == 0.0


def test_a_host_that_answers_on_was_never_out() -> None:
    """A fault that hurts nothing is in rotation until it is healed."""
    told = story().calm().fault("loss", "host-2").traffic(3).healed().traffic(1).settled()
    assert effect(told).out_of_rotation_s == pytest.approx(3, abs=0.1)


def test_a_host_that_never_answered_cannot_be_told() -> None:
    """A wrong name must not look like a fast failover."""
    told = story().calm().fault("kill", "host-9").traffic(1).healed().traffic(1).settled()
    assert effect(told).out_of_rotation_s is None
    assert effect(told).back_after_s is None
    assert effect(told).out_of_catalog_s is None


def test_requests_sent_before_the_fault_are_no_use_of_the_broken() -> None:
    """One under way when the fault comes was sent to a host in order."""
    told = story().calm()
    told.request(2.0, instance="host-2", backend="10.0.0.2:80")
    told.fault("kill", "host-2").gone("host-2").traffic(3).healed().back("host-2").traffic(1)
    assert effect(told.settled()).out_of_rotation_s == 0.0


def test_one_instance_is_followed_by_its_port() -> None:
    """The attempts at that port end, those at others go on."""
    told = story().calm().fault("kill", addresses=("10.0.0.2:80",)).gone("host-2")
    told.traffic(0.3, via="host-2").traffic(1).all_list("host-1", "host-3").traffic(1)
    one = effect(told.settled())
    assert one.target == "10.0.0.2:80"
    assert one.out_of_rotation_s == pytest.approx(0.3, abs=0.05)
    assert one.out_of_catalog_s == pytest.approx(1.3, abs=0.05)
    assert one.back_after_s is None


def test_the_catalog_is_followed_on_all_survivors() -> None:
    """The last agent that lists the host counts; the one that died with it does not."""
    told = story().calm().fault("kill", "host-2").silent("host-2").gone("host-2").traffic(1)
    told.lists("host-1", "host-1", "host-3").traffic(0.5).lists("host-3", "host-1", "host-3")
    told.traffic(1).healed().traffic(1).settled()
    assert effect(told).out_of_catalog_s == pytest.approx(1.5, abs=0.05)


def test_the_dead_hosts_own_agent_may_list_on() -> None:
    """A partitioned agent still names itself: its answer reaches nobody."""
    told = story().calm().fault("partition", "host-2").gone("host-2").traffic(1)
    told.lists("host-1", "host-1", "host-3").lists("host-3", "host-1", "host-3").traffic(3)
    assert effect(told.healed().traffic(1).settled()).out_of_catalog_s == pytest.approx(1, abs=0.05)


def test_a_host_that_is_listed_until_healed_never_left() -> None:
    """The figure is the whole time then."""
    told = story().calm().fault("pause", "host-2").gone("host-2").traffic(4)
    told.healed().back("host-2").traffic(1).settled()
    assert effect(told).out_of_catalog_s == pytest.approx(4, abs=0.05)


def test_a_host_listed_again_before_it_was_healed_counts_on() -> None:
    """A ghost that comes back is still one."""
    told = story().calm().fault("kill", "host-2").gone("host-2").traffic(1)
    told.all_list("host-1", "host-3").traffic(1).all_list("host-1", "host-2").traffic(1)
    told.all_list("host-1", "host-3").traffic(1).healed().traffic(1).settled()
    assert effect(told).out_of_catalog_s == pytest.approx(3, abs=0.05)


def test_a_catalog_nobody_can_read_cannot_be_told() -> None:
    """All agents silent is not the same as all agents saying that it is gone."""
    told = story().calm().fault("blackout", "host-2").gone("host-2").traffic(0.5)
    for host in ("host-1", "host-2", "host-3"):
        told.silent(host)
    assert effect(told.traffic(2).healed().traffic(1).settled()).out_of_catalog_s is None


def test_back_is_the_first_answer_after_healing() -> None:
    """Its end counts, from the healing on."""
    assert effect(host_dies(back=0.6)).back_after_s == pytest.approx(0.6, abs=0.1)


def test_a_host_that_stays_away_is_not_back() -> None:
    """Without an answer there is no time."""
    told = story().calm().fault("kill", "host-2").gone("host-2").traffic(1).healed()
    assert effect(told.traffic(2).settled()).back_after_s is None


def test_the_worst_of_several_faults_counts() -> None:
    """Each fault has figures of its own; the history has the largest."""
    told = story().calm()
    for seconds in (0.2, 0.6):
        told.fault("kill", "host-2").gone("host-2").traffic(seconds, via="host-2").traffic(1)
        told.healed().back("host-2").traffic(1).settled().traffic(1)
    figures = told.judged().figures
    found = [one.out_of_rotation_s for one in figures.targets]
    assert found == [pytest.approx(0.2, abs=0.05), pytest.approx(0.6, abs=0.05)]
    assert figures.out_of_rotation_s == found[1]


def test_one_that_cannot_be_told_makes_the_worst_unknown() -> None:
    """A host that never came back must not hide behind one that did."""
    told = host_dies().fault("kill", "host-3").gone("host-3").traffic(1).healed()
    figures = told.traffic(1).settled().judged().figures
    assert [one.back_after_s is None for one in figures.targets] == [False, True]
    assert figures.back_after_s is None


def test_a_host_listed_from_the_healing_on_had_left() -> None:
    """What is listed at the very moment of healing is its return."""
    told = story().calm().fault("kill", "host-2").gone("host-2").traffic(1)
    told.all_list("host-1", "host-3").traffic(2).healed().all_list("host-1", "host-2", "host-3")
    assert effect(told.traffic(1).settled()).out_of_catalog_s == pytest.approx(1, abs=0.05)
