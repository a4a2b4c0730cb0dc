"""An agent's HTTP interface on this machine's own loopback, over TCP, TLS or a socket."""

from __future__ import annotations

import datetime
import http.server
import pathlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Answer = tuple[int, str]


class Loopback:
    """Answers by verb and path, 200 with an empty object unless told otherwise; keeps requests."""

    def __init__(self) -> None:
        """Nobody asked yet."""
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.bodies: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.url = ""


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # Head and body in one packet: the second of two would wait for the client's acknowledgement.
    wbufsize = -1
    loopback: Loopback

    def setup(self) -> None:
        """A connection was made."""
        self.loopback.connections += 1
        super().setup()

    def do_GET(self) -> None:
        """Answer."""
        line = f"{self.command} {self.path}"
        length = int(self.headers.get("Content-Length") or 0)
        self.loopback.asked.append(line)
        self.loopback.bodies.append(self.rfile.read(length).decode())
        self.loopback.headers.append(dict(self.headers))
        status, text = self.loopback.answers.get(line, (200, "{}"))
        body = text.encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        """Answer."""
        self.do_GET()

    def do_DELETE(self) -> None:
        """Answer."""
        self.do_GET()

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """A server whose failed handshakes are the client's to tell."""

    # A Unix socket with a full queue refuses at once (EAGAIN), where TCP would try again: no
    # story asks in more threads than this.
    request_queue_size = 64

    def handle_error(self, *_arguments: Any) -> None:
        """Say nothing."""


class _UnixServer(_Server):
    """The same on a socket in the file system."""

    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        """A path has neither host nor port."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "consul", 0

    def get_request(self) -> tuple[Any, Any]:
        """A client at a socket has no address."""
        connection, _address = self.socket.accept()
        return connection, ("", 0)


def serve(loopback: Loopback, server: http.server.ThreadingHTTPServer) -> Iterator[Loopback]:
    """Serve for the length of a test."""
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield loopback
    server.shutdown()
    server.server_close()


def _handler(loopback: Loopback) -> type[_Handler]:
    return type("Handler", (_Handler,), {"loopback": loopback})


@pytest.fixture(name="loopback")
def loopback_fixture() -> Iterator[Loopback]:
    """An agent over TCP."""
    loopback = Loopback()
    server = _Server(("127.0.0.1", 0), _handler(loopback))
    loopback.url = f"http://127.0.0.1:{server.server_port}"
    yield from serve(loopback, server)


@pytest.fixture(name="unix")
def unix_fixture(tmp_path: pathlib.Path) -> Iterator[Loopback]:
    """An agent at a socket."""
    loopback = Loopback()
    path = tmp_path / "consul.sock"
    loopback.url = f"unix://{path}"
    yield from serve(loopback, _UnixServer(str(path), _handler(loopback)))  # type: ignore[arg-type]  # a path


class Certificates:
    """An authority, a server that it vouches for, and a client."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Write them as PEM files into `folder`."""
        self.folder = folder
        authority = ec.generate_private_key(ec.SECP256R1())
        self._issue("ca", authority, authority)
        for name in ("server", "client"):
            self._issue(name, ec.generate_private_key(ec.SECP256R1()), authority)

    def path(self, name: str) -> str:
        """The path of ca.pem, server.pem, server.key and so on."""
        return str(self.folder / name)

    def _issue(self, name: str, key: Any, authority: Any) -> None:
        def called(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

        now = datetime.datetime.now(datetime.timezone.utc)
        names: list[x509.GeneralName] = [x509.DNSName("server.dc1.consul")]
        public = key.public_key()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(called(name))
            .issuer_name(called("ca"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    key_cert_sign=name == "ca",
                    crl_sign=name == "ca",
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
                critical=False,
            )
            .sign(authority, hashes.SHA256())
        )
        (self.folder / f"{name}.pem").write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
        )
        (self.folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


@pytest.fixture(name="certificates", scope="session")
def certificates_fixture(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates of this run; the server's name is server.dc1.consul and not its address."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(name="tls")
def tls_fixture(certificates: Certificates) -> Iterator[Loopback]:
    """An agent over TLS."""
    loopback = Loopback()
    server = _Server(("127.0.0.1", 0), _handler(loopback))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.path("server.pem"), certificates.path("server.key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    loopback.url = f"https://127.0.0.1:{server.server_port}"
    yield from serve(loopback, server)


@pytest.fixture(name="mutual")
def mutual_fixture(certificates: Certificates) -> Iterator[Loopback]:
    """An agent over TLS that talks to nobody without a certificate."""
    loopback = Loopback()
    server = _Server(("127.0.0.1", 0), _handler(loopback))
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cafile=certificates.path("ca.pem")
    )
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificates.path("server.pem"), certificates.path("server.key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    loopback.url = f"https://127.0.0.1:{server.server_port}"
    yield from serve(loopback, server)
