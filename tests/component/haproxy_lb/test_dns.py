"""Whether Consul's DNS knows anything, asked of a server that answers as it is told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from haproxy_lb import dns

NAMES = ("consul.service.consul", "_web._tcp.service.consul")
NO_SUCH_NAME = 3


@contextlib.contextmanager
def server(*records: int, code: int = 0, forged: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    """A server whose answers have so many records, one after the other; its port, and what came."""
    questions: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def answer() -> None:
            for count in records:
                question, client = listening.recvfrom(512)
                questions.append(question)
                identifier = b"xx" if forged else question[:2]
                listening.sendto(
                    identifier + bytes([0x84, code, 0, 1, 0, count, 0, 0, 0, 0]), client
                )

        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        yield listening.getsockname()[1], questions
        answering.join(5)


def test_a_server_that_has_a_record_knows() -> None:
    """It is asked for SRV records, as HAProxy does, and no more than once."""
    with server(2) as (port, questions):
        assert dns.knows("127.0.0.1", port, NAMES)
    [question] = questions
    assert question[2:] == (
        b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06consul\x07service\x06consul\x00\x00!\x00\x01"
    )


def test_another_name_may_be_the_known_one() -> None:
    """Where the agent's token may not read the first."""
    with server(0, 1, code=NO_SUCH_NAME) as (port, questions):
        assert dns.knows("127.0.0.1", port, NAMES)
    assert len(questions) == 2


def test_a_server_without_a_record_knows_nothing() -> None:
    """An agent without a leader says that there is no such name."""
    with server(0, 0, code=NO_SUCH_NAME) as (port, _questions):
        assert not dns.knows("127.0.0.1", port, NAMES)


def test_an_answer_to_another_question_is_none() -> None:
    """Its identifier differs."""
    with server(1, 1, forged=True) as (port, _questions):
        assert not dns.knows("127.0.0.1", port, NAMES)


def test_nobody_knows_nothing() -> None:
    """A closed port says so at once, a silent server never does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert not dns.knows("127.0.0.1", port, NAMES)
    assert not dns.knows("127.0.0.1", port, NAMES)
