"""The address of this host, where no -ip says it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from registrator.ops.host_address import host_address


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the host's name resolves to and where the default route leaves; nothing yet."""
    answers: dict[str, Any] = {"name": [], "route": {}}

    def resolve(_host: str, _port: None, **_more: Any) -> list[Any]:
        if not answers["name"]:
            raise socket.gaierror("Name or service not known")
        return [
            (socket.AF_INET6 if ":" in text else socket.AF_INET, 1, 6, "", (text, 0))
            for text in answers["name"]
        ]

    class Probe:
        def __init__(self, family: int, _kind: int) -> None:
            self.family = family

        def __enter__(self) -> Probe:
            return self

        def __exit__(self, *_error: object) -> None:
            return

        def connect(self, _address: tuple[str, int]) -> None:
            if self.family not in answers["route"]:
                raise OSError("Network is unreachable")

        def getsockname(self) -> tuple[str, int]:
            return answers["route"][self.family], 1

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "socket", Probe)
    return answers


@pytest.mark.parametrize(
    ("name", "route", "address"),
    [
        (["10.0.0.1"], {}, "10.0.0.1"),
        (["2001:db8::1", "10.0.0.1"], {}, "10.0.0.1"),
        (["2001:db8::1"], {}, "2001:db8::1"),
        (["10.0.0.1"], {socket.AF_INET: "10.0.0.2"}, "10.0.0.1"),
        (["127.0.1.1"], {socket.AF_INET: "10.0.0.2"}, "10.0.0.2"),
        (["127.0.1.1", "::1"], {socket.AF_INET6: "2001:db8::2"}, "2001:db8::2"),
        (["fe80::1%eth0"], {socket.AF_INET: "10.0.0.2"}, "10.0.0.2"),
        ([], {socket.AF_INET: "10.0.0.2", socket.AF_INET6: "2001:db8::2"}, "10.0.0.2"),
        (["127.0.1.1"], {}, ""),
        ([], {}, ""),
    ],
)
def test_an_address_is_one_that_others_reach(
    resolves: dict[str, Any], name: list[str], route: dict[int, str], address: str
) -> None:
    """The name's address as upstream has it, but never a loopback: then the route's (B9)."""
    resolves.update(name=name, route=route)
    assert host_address("host-1") == address
