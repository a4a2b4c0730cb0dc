"""Where a URL leads, asked of the system's resolver and of who listens there."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from rollcall_drills.wire import Place


def test_of_several_addresses_the_one_that_accepts_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`localhost` may be ::1 first, where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        resolve = socket.getaddrinfo

        def both(host: str, *words: Any, **options: Any) -> Any:
            if host != "somewhere":
                return resolve(host, *words, **options)
            return [(2, 1, 6, "", (one, port)) for one in ("127.0.0.2", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        assert Place.of(f"http://somewhere:{port}/").host == "127.0.0.1"


def test_a_name_without_an_address_is_told() -> None:
    """Which name it was."""
    with pytest.raises(OSError, match=r"nowhere\.invalid has no address"):
        Place.of("http://nowhere.invalid/")
