"""As much of DNS as nginx asks: SRV for a set of instances, A and AAAA for each of them. Pure.

A name that stands for an address spells it: it is answered without knowing anything, and can stand
for nothing else.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import struct
from collections.abc import Sequence

from .grammar import Address
from .nginx_conf import DNS_DOMAIN
from .snapshot import Instance

_A, _AAAA, _SRV, _IN = 1, 28, 33, 1
_NO_ERROR, _FORMAT_ERROR, _NO_SUCH_NAME = 0, 1, 3
_SERVICE = "_lb._tcp."
_V4, _V6 = "ip4-", "ip6-"
# An answer that may be old in a second; what spells itself never is.
_SET_SECONDS, _ADDRESS_SECONDS = 1, 3600
# nginx reads no more from one datagram; a longer answer is asked for again by TCP.
_DATAGRAM = 4096
_POINTER_TO_QUESTION = b"\xc0\x0c"


class Malformed(Exception):
    """Bytes that are no question."""


@dataclasses.dataclass(frozen=True)
class Question:
    """A question: its number, name in lower case and type, and its own bytes."""

    number: int
    name: str
    kind: int
    raw: bytes

    @property
    def label(self) -> str | None:
        """The set that is asked for, None where it is no question for a set."""
        ours = self.name.startswith(_SERVICE) and self.name.endswith(f".{DNS_DOMAIN}")
        if not ours or self.kind != _SRV:
            return None
        return self.name.removeprefix(_SERVICE).removesuffix(f".{DNS_DOMAIN}")


def read(message: bytes) -> Question:
    """The question of a message. Malformed unless it is exactly one, of the Internet's class."""
    try:
        number, flags, count = struct.unpack_from("!HHH", message)
        labels, at = [], 12
        while length := message[at]:
            if length > 63:
                raise Malformed
            labels.append(message[at + 1 : at + 1 + length].decode("ascii"))
            at += 1 + length
        kind, group = struct.unpack_from("!HH", message, at + 1)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise Malformed from None
    if flags & 0x8000 or count != 1 or group != _IN:
        raise Malformed
    return Question(number, ".".join(labels).lower(), kind, message[12 : at + 5])


def answer(question: Question, instances: Sequence[Instance] | None, *, datagram: bool) -> bytes:
    """The answer: the set asked for, or the address that a name spells.

    `instances` is the set, None where there is no such set. A set that is too large for a datagram
    is left out and said to be: nginx asks by TCP then.
    """
    if question.label is not None:
        records = [_service(each) for each in instances or ()]
    else:
        records = _address(question)
    known = bool(records) or spelled(question.name) is not None
    body = b"".join(records)
    cut = datagram and 12 + len(question.raw) + len(body) > _DATAGRAM
    # An answer, with authority; 0x0200 says that it was cut.
    flags = 0x8400 | (0x0200 if cut else 0) | (_NO_ERROR if known else _NO_SUCH_NAME)
    count = 0 if cut else len(records)
    head = struct.pack("!HHHHHH", question.number, flags, 1, count, 0, 0)
    return head + question.raw + (b"" if cut else body)


def spelled(name: str) -> Address | None:
    """The address that a name stands for, None where it stands for none."""
    word = name.removesuffix(f".{DNS_DOMAIN}")
    try:
        if word != name and word.startswith(_V4):
            return ipaddress.IPv4Address(bytes.fromhex(word.removeprefix(_V4)))
        if word != name and word.startswith(_V6):
            return ipaddress.IPv6Address(bytes.fromhex(word.removeprefix(_V6)))
    except ValueError:
        return None
    return None


def _name_of(address: Address) -> str:
    prefix = _V4 if address.version == 4 else _V6
    return f"{prefix}{address.packed.hex()}.{DNS_DOMAIN}"


def _service(instance: Instance) -> bytes:
    target = _encoded(_name_of(ipaddress.ip_address(instance.place.address)))
    data = struct.pack("!HHH", 0, instance.weight, instance.place.port) + target
    return _record(_SRV, _SET_SECONDS, data)


def _address(question: Question) -> list[bytes]:
    found = spelled(question.name)
    wanted = {4: _A, 6: _AAAA}
    if found is None or wanted[found.version] != question.kind:
        return []
    return [_record(question.kind, _ADDRESS_SECONDS, found.packed)]


def _record(kind: int, seconds: int, data: bytes) -> bytes:
    return _POINTER_TO_QUESTION + struct.pack("!HHIH", kind, _IN, seconds, len(data)) + data


def _encoded(name: str) -> bytes:
    labels = (label.encode("ascii") for label in name.split("."))
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
