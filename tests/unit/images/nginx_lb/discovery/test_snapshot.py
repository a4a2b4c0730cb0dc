"""What Consul reports, parsed as data."""

from __future__ import annotations

import json

from nginx_lb.discovery.snapshot import parse
from nginx_lb.model import Endpoint, Instance

from ..builders import entry, instances, snapshot


def lines(*entries: object) -> str:
    """A file as consul-template writes it."""
    return "\n".join(json.dumps(each) for each in (*entries, "end")) + "\n"


def test_instances_come_in_a_fixed_order() -> None:
    """However Consul lists them."""
    entries = [entry(address=f"10.0.0.{number}", id=f"web-{number}") for number in (3, 1, 2)]
    assert snapshot(*entries).services == {"web": instances(1, 2, 3)}


def test_a_service_without_instances_is_known() -> None:
    """It is empty, which is another thing than not asked for."""
    found = parse(lines({"service": "web"}), ())
    assert found is not None
    assert found.services == {"web": ()}


def test_one_endpoint_is_one_instance() -> None:
    """Two registrations of one endpoint do not double its share."""
    found = snapshot(entry(id="b", weight=5), entry(id="a"), entry(id="c", port=81))
    assert found.services["web"] == (
        Instance(Endpoint("10.0.0.1", 80), 1, "a"),
        Instance(Endpoint("10.0.0.1", 81), 1, "c"),
    )


def test_what_does_not_fit_is_skipped_and_told() -> None:
    """The bad one's neighbours live; the reason is printable and names the service."""
    found = snapshot(
        entry(),
        entry(address="1.2.3.4; }\nhttp {"),
        entry(service="we;b"),
        entry(port=0),
        entry(weight="1"),
        entry(tags=["x"] * 257),
        entry(address="127.0.0.1"),
        "a word",
        None,
    )
    assert list(found.services) == ["web"]
    assert len(found.services["web"]) == 1
    assert found.skipped_count == 8
    assert all(skip.reason.isprintable() and skip.service.isprintable() for skip in found.skipped)


def test_a_file_that_was_cut_short_is_none() -> None:
    """Half a list is no list."""
    whole = lines(entry(), entry(port=81))
    assert parse(whole, ()) is not None
    for length in range(len(whole) - 1):
        assert parse(whole[:length], ()) is None


def test_a_huge_entry_costs_only_itself() -> None:
    """A megabyte of tags is skipped, its neighbour is not."""
    found = parse(lines(entry(tags=["x" * 2**20]), entry(port=81)), ())
    assert found is not None
    assert [each.endpoint.port for each in found.services["web"]] == [81]
    assert found.skipped_count == 1


def test_reports_do_not_grow_without_end() -> None:
    """A thousand bad instances are counted, a hundred are told."""
    found = snapshot(*(entry(address=f"no-{number}") for number in range(1000)))
    assert (found.skipped_count, len(found.skipped)) == (1000, 100)
