"""What nginx is told by DNS, and what it may still use."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from balancer import dns_wire
from balancer.connections import tally
from balancer.dns_book import DnsBook
from balancer.dns_wire import Malformed
from balancer.snapshot import Instance, Place

from .builders import instances, place

_SRV, _A, _AAAA = 33, 1, 28


def question(name: str, kind: int) -> bytes:
    """A question as a resolver sends it."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1)


def head(message: bytes) -> tuple[int, int, bool]:
    """An answer's code, how many records it has, and whether it was cut."""
    _number, flags, _questions, count = struct.unpack_from("!HHHH", message)
    return flags & 15, count, bool(flags & 0x0200)


def targets(message: bytes) -> list[tuple[int, int, str]]:
    """Weight, port and target of each SRV record of an answer."""
    found, at = [], len(question("_lb._tcp.web.lb.invalid", _SRV))
    while at < len(message):
        kind, _group, _seconds, length = struct.unpack_from("!HHIH", message, at + 2)
        assert kind == _SRV
        _priority, weight, port = struct.unpack_from("!HHH", message, at + 12)
        words, cursor = [], at + 18
        while size := message[cursor]:
            words.append(message[cursor + 1 : cursor + 1 + size].decode())
            cursor += 1 + size
        found.append((weight, port, ".".join(words)))
        at += 12 + length
    return found


def asked(name: str, kind: int, known: tuple[Instance, ...] | None = None) -> bytes:
    """The answer to a question."""
    return dns_wire.answer(dns_wire.read(question(name, kind)), known, datagram=True)


def test_a_set_is_its_instances() -> None:
    """Weight, port and a name that spells the address, of either family."""
    some = (Instance(place(1), 3), Instance(Place("2001:db8::1", 8080), 1))
    message = asked("_LB._tcp.web.lb.invalid", _SRV, some)
    assert head(message) == (0, 2, False)
    assert targets(message) == [
        (3, 80, "ip4-0a000001.lb.invalid"),
        (1, 8080, "ip6-20010db8000000000000000000000001.lb.invalid"),
    ]


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("ip4-0a000001.lb.invalid", _A, 1),
        ("ip4-0a000001.lb.invalid", _AAAA, 0),
        ("ip6-20010db8000000000000000000000001.lb.invalid", _AAAA, 1),
        ("ip6-20010db8000000000000000000000001.lb.invalid", _A, 0),
    ],
)
def test_an_address_answers_itself(name: str, kind: int, records: int) -> None:
    """And of the other family there is none, which is no error."""
    message = asked(name, kind)
    assert head(message)[:2] == (0, records)
    if kind == _A and records:
        assert message[-4:] == ipaddress.ip_address("10.0.0.1").packed


@pytest.mark.parametrize(
    "name",
    [
        *("web.lb.invalid", "_lb._tcp.web.example", "ip4-0a0000.lb.invalid", "ip4-zz.lb.invalid"),
        *("ip4-0a000001.example", "example.org", "localhost"),
    ],
)
def test_other_names_do_not_exist(name: str) -> None:
    """It is no name server for anything but our own sets."""
    assert head(asked(name, _A))[:2] == (3, 0)


@pytest.mark.parametrize("known", [(), None])
def test_an_empty_set_does_not_exist(known: tuple[Instance, ...] | None) -> None:
    """nginx then has nobody to ask, as the guard wants it."""
    assert head(asked("_lb._tcp.web.lb.invalid", _SRV, known))[:2] == (3, 0)


def test_a_large_set_is_asked_for_again() -> None:
    """What does not fit into a datagram comes whole by TCP."""
    many = tuple(Instance(Place(f"10.0.{number}.1", 80)) for number in range(200))
    asking = dns_wire.read(question("_lb._tcp.web.lb.invalid", _SRV))
    assert head(dns_wire.answer(asking, many, datagram=True)) == (0, 0, True)
    assert head(dns_wire.answer(asking, many, datagram=False)) == (0, 200, False)


@pytest.mark.parametrize("length", range(28))
def test_half_a_question_is_none(length: int) -> None:
    """Nothing that arrives can raise anything else."""
    with pytest.raises(Malformed):
        dns_wire.read(question("web.lb.invalid", _A)[:length])


@pytest.mark.parametrize(
    "message",
    [
        struct.pack("!HHHHHH", 7, 0x8000, 1, 0, 0, 0) + b"\1a\0" + struct.pack("!HH", 1, 1),
        struct.pack("!HHHHHH", 7, 0, 2, 0, 0, 0) + b"\1a\0" + struct.pack("!HH", 1, 1),
        struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 0) + b"\1a\0" + struct.pack("!HH", 1, 3),
        struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 0) + b"\xc0\x0c" + struct.pack("!HH", 1, 1),
        struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 0) + b"\1\xff\0" + struct.pack("!HH", 1, 1),
    ],
)
def test_what_is_no_plain_question_is_none(message: bytes) -> None:
    """An answer, two questions, another class, a pointer, no ASCII."""
    with pytest.raises(Malformed):
        dns_wire.read(message)


# What nginx may still use

NAMES = ("web", "web-fresh")


def book(*numbers: int) -> DnsBook:
    """Both of a service's names lead to these instances."""
    return DnsBook().told({name: ("web", instances(*numbers)) for name in NAMES})


def gone(found: DnsBook, now: float, connections: dict[Place, int] | None = None) -> list[str]:
    """The identifiers of those that may not be out."""
    left = found.settled(now, connections or {})
    return [each.instance.id for each in left.gone(now, connections or {})]


def test_an_instance_is_out_when_every_name_was_asked_for() -> None:
    """And nginx had a moment to take the answer over."""
    found = book(1, 2).told({name: ("web", instances(1)) for name in NAMES})
    assert gone(found, 100) == ["web-2"]
    found = found.asked("web", 100)
    assert gone(found, 200) == ["web-2"]
    found = found.asked("web-fresh", 200)
    assert gone(found, 200.4) == ["web-2"]
    assert gone(found, 200.5) == []


def test_an_instance_with_connections_is_not_out() -> None:
    """A request that was sent before is on its way still."""
    found = book(1, 2).told({name: ("web", instances(1)) for name in NAMES})
    for name in NAMES:
        found = found.asked(name, 100)
    assert gone(found, 200, {place(2): 1}) == ["web-2"]
    assert gone(found, 200, {place(1): 1}) == []


def test_one_that_came_back_is_not_leaving() -> None:
    """It is in the set again."""
    found = book(1, 2).told({name: ("web", instances(1)) for name in NAMES})
    found = found.told({name: ("web", instances(1, 2)) for name in NAMES})
    assert gone(found, 100) == []


def test_an_instance_has_joined_when_every_name_was_asked_for() -> None:
    """Only then may its predecessor be stopped."""
    found = book(1)
    assert found.joining() == {("web", place(1))}
    for name in NAMES:
        found = found.asked(name, 100)
    assert found.settled(100.4, {}).joining() == {("web", place(1))}
    assert found.settled(100.5, {}).joining() == frozenset()


def test_a_name_is_known_when_it_was_asked_for() -> None:
    """And nginx had a moment to find out who is behind it."""
    found = book(1).asked("web", 100)
    assert not found.learned(NAMES, 200)
    found = found.asked("web-fresh", 200)
    assert not found.learned(NAMES, 200.4)
    assert found.learned(NAMES, 200.5)
    assert found.asked("web", 300).learned(NAMES, 300)


def test_a_name_without_instances_is_not_known() -> None:
    """nginx forgets an empty service; when there is somebody again, it has to ask again."""
    found = book(1).asked("web", 100)
    found = found.told({"web": ("web", ())}).asked("web", 150)
    found = found.told({"web": ("web", instances(1))})
    assert not found.learned(["web"], 200)


def test_a_service_that_nobody_asks_for_any_more_owes_nothing() -> None:
    """Its route is gone, and with it its names."""
    found = book(1).told({})
    assert gone(found, 100) == []


def test_the_kernels_table_is_read_as_connections() -> None:
    """Of that user, of open ones, of either family."""
    rows = [
        "0: 0100007F:1F90 0100000A:0050 01 00000000:00000000 00:00000000 00000000 33 0 1 1 0",
        "1: 0100007F:1F91 0100000A:0050 01 00000000:00000000 00:00000000 00000000 0 0 1 1 0",
        "2: 0100007F:1F92 0100000A:0050 06 00000000:00000000 00:00000000 00000000 33 0 1 1 0",
        "3: 00:1 0000000000000000FFFF00000200000A:0050 08 0:0 00:0 0 33 0 1 1 0",
        "4: 00:1 B80D0120000000000000000001000000:0051 01 0:0 00:0 0 33 0 1 1 0",
    ]
    assert tally(rows, 33) == {place(1): 1, place(2): 1, Place("2001:db8::1", 81): 1}
