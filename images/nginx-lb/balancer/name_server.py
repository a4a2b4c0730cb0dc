"""Our own name server on loopback: tells nginx the sets that the guard lets through."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import dns_wire
from .dns_book import DnsBook, Gone, Key
from .snapshot import Instances, Place

_LOOPBACK = "127.0.0.1"


class NameServer:
    """Answers by UDP and TCP until it is closed. OSError where the port cannot be had."""

    def __init__(self, port: int) -> None:
        """Listen; every set is unknown yet."""
        self.port = port
        self._lock = threading.Lock()
        self._book = DnsBook()
        self.questions = 0
        udp = type("_Udp", (_Udp,), {"owner": self})
        tcp = type("_Tcp", (_Tcp,), {"owner": self})
        self._servers: list[socketserver.BaseServer] = [_UdpServer((_LOOPBACK, port), udp)]
        try:
            self._servers.append(_TcpServer((_LOOPBACK, port), tcp))
        except OSError:
            self._servers[0].server_close()
            raise
        for server in self._servers:
            threading.Thread(target=self._serve, args=(server,), name="dns", daemon=True).start()

    def tell(self, sets: Mapping[str, tuple[str, Instances]]) -> None:
        """Answer these sets from now on: for each name its service and instances."""
        with self._lock:
            self._book = self._book.told(sets)

    def moves(
        self, connections: Callable[[], Mapping[Place, int]]
    ) -> tuple[frozenset[Key], tuple[Gone, ...]]:
        """The instances that nginx may not know yet, and those that it may not be done with."""
        with self._lock:
            if not self._book.changes:
                return frozenset(), ()
            now, found = time.monotonic(), connections()
            self._book = self._book.settled(now, found)
            return self._book.joining(), self._book.gone(now, found)

    def learned(self, names: Iterable[str]) -> bool:
        """Whether nginx knows who is behind each of these names."""
        with self._lock:
            return self._book.learned(names, time.monotonic())

    def answer(self, message: bytes, *, datagram: bool) -> bytes | None:
        """The answer to a message, None where it deserves none."""
        try:
            question = dns_wire.read(message)
        except dns_wire.Malformed:
            return None
        label = question.label
        with self._lock:
            self.questions += 1
            _service, instances = self._book.sets.get(label or "", ("", None))
            if label is not None:
                self._book = self._book.asked(label, time.monotonic())
        return dns_wire.answer(question, instances, datagram=datagram)

    def close(self) -> None:
        """Stop answering."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _serve(self, server: socketserver.BaseServer) -> None:
        server.serve_forever(poll_interval=0.2)


class _UdpServer(socketserver.UDPServer):
    max_packet_size = 4096


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Udp(socketserver.BaseRequestHandler):
    owner: NameServer

    def handle(self) -> None:
        """One datagram, one answer."""
        message, connection = self.request
        found = self.owner.answer(message, datagram=True)
        if found is not None:
            connection.sendto(found, self.client_address)


class _Tcp(socketserver.BaseRequestHandler):
    owner: NameServer

    def handle(self) -> None:
        """Questions one after the other, each with its length before it."""
        self.request.settimeout(5)
        with contextlib.suppress(OSError, struct.error):
            while True:
                [length] = struct.unpack("!H", _exactly(self.request, 2))
                found = self.owner.answer(_exactly(self.request, length), datagram=False)
                if found is None:
                    return
                self.request.sendall(struct.pack("!H", len(found)) + found)


def _exactly(connection: socket.socket, count: int) -> bytes:
    """So many bytes. struct.error where the other side ends before."""
    found = b""
    while len(found) < count:
        more: Any = connection.recv(count - len(found))
        if not more:
            raise struct.error("the connection ended")
        found += more
    return found
