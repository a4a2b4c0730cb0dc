"""What a person says to `lab/up` becomes a lab, or a sentence."""

from __future__ import annotations

import pytest
from rollcall_lab.settings import Settings, parse


def engines(settings: Settings) -> list[str]:
    """The hosts' engines in order."""
    return [host.engine for host in settings.hosts]


def test_a_plain_call_makes_the_articles_three_hosts() -> None:
    """Without options there are three hosts of one engine at the articles' addresses."""
    lab = parse([], None)
    assert [(host.name, host.address) for host in lab.hosts] == [
        ("host-1", "10.111.152.136"),
        ("host-2", "10.111.152.135"),
        ("host-3", "10.111.152.168"),
    ]
    assert engines(lab) == ["trixie"] * 3


def test_nine_hosts_have_nine_addresses() -> None:
    """The largest lab gives every host an address of its own."""
    lab = parse(["--hosts", "9"], None)
    assert len({host.address for host in lab.hosts}) == 9


def test_one_host_may_have_another_engine() -> None:
    """`HOST=SUITE` changes that host alone."""
    assert engines(parse(["--engine", "host-2=sid"], None)) == ["trixie", "sid", "trixie"]


def test_a_suite_alone_is_meant_for_all() -> None:
    """A suite without a host changes every host."""
    assert engines(parse(["--engine", "bookworm"], None)) == ["bookworm"] * 3


def test_a_plain_call_means_the_lab_that_runs() -> None:
    """What is not said stays as the last call made it."""
    before = parse(["--hosts", "5", "--engine", "host-5=sid"], None)
    assert parse([], before).hosts == before.hosts


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--hosts", "0"], "1 to 9 hosts"),
        (["--hosts", "10"], "1 to 9 hosts"),
        (["--engine", "jessie"], "choose one of bookworm, trixie, sid"),
        (["--engine", "host-4=sid"], "the hosts are host-1, host-2, host-3"),
    ],
)
def test_what_does_not_fit_is_said(
    argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value outside the lab's range ends with status 2 and the range."""
    with pytest.raises(SystemExit) as exit_:
        parse(argv, None)
    assert exit_.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("hosts", "inventory"), [("1", "single_host"), ("2", "two_hosts"), ("3", "lab"), ("5", "lab")]
)
def test_the_number_of_hosts_chooses_the_articles_step(hosts: str, inventory: str) -> None:
    """One, two and three hosts are the articles' three inventories."""
    assert parse(["--hosts", hosts], None).inventory.name == inventory


def test_machines_of_ones_own_need_only_the_environment() -> None:
    """--only-environment starts nothing, and a plain call everything."""
    assert parse(["--only-environment"], None).only_environment
    assert not parse([], None).only_environment
