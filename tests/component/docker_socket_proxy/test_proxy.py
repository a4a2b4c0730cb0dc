"""The proxy between a client and an engine, over sockets: what passes, and what never does."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import socket
import stat
import time
from typing import Any

import pytest
from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.builders import (
    WEB,
    described,
    happened,
    head,
    query,
)
from ansible_collections.rollcall.discovery.tests.support.docker_socket_proxy.engine_api import (
    ENDPOINTS,
    concrete,
)
from docker_socket_proxy.proxy import listen

from .fake_engine import answer
from .stage import Stage, one, rest, sees, split

ALLOWED = {"/_ping", "/version", "/events", "/containers/json", "/containers/{id}/json"}
WHOLE = json.dumps(described()).encode()
FORBIDDEN = [pair for pair in ENDPOINTS if pair[1] not in ALLOWED]


def test_what_is_needed_passes(stage: Stage) -> None:
    """Four answers, each reduced; the fifth is a stream."""
    assert stage.ask("GET /_ping") == (200, b"OK")
    assert stage.ask("GET /version") == (200, {"ApiVersion": "1.44", "Version": "26.1"})
    assert stage.ask("GET /v1.44/containers/json?all=0") == (200, [{"Id": WEB}])
    status, found = stage.ask(f"GET /v1.44/containers/{WEB}/json")
    assert (status, found["Config"]["Env"]) == (200, ["SERVICE_NAME=web", "SERVICE_80_TAGS=a,b"])
    assert stage.log == []


def test_no_secret_passes_by_any_way(stage: Stage) -> None:
    """Neither in a body nor in a header of the engine's."""
    for path in ("/version", "/containers/json", f"/containers/{WEB}/json"):
        assert b"s3cret" not in stage.send(head(f"GET {path}", "Connection: close"))


def test_the_engine_hears_of_nothing_else(stage: Stage) -> None:
    """Every other endpoint of its API is denied in Docker's own form, and no byte arrives."""
    for method, path in FORBIDDEN:
        status, said = stage.ask(f"{method} /v1.44{concrete(path, WEB)}")
        assert status == 403, path
        assert said == b"" if method == "HEAD" else "not allowed" in said["message"]
    assert len(FORBIDDEN) > 100
    assert stage.engine.heads == []


def test_the_engine_hears_none_of_the_clients_words(stage: Stage) -> None:
    """Its headers and its spelling stay outside."""
    stage.ask("GET /containers/json?filters=%7B%22status%22:[%22running%22]%7D", "X-Evil: s3cret")
    [heard] = stage.engine.heads
    assert heard == (
        b"GET /containers/json?filters=%7B%22status%22%3A%20%5B%22running%22%5D%7D HTTP/1.1\r\n"
        b"Host: docker\r\nUser-Agent: docker-socket-proxy\r\nAccept: application/json\r\n"
        b"Connection: close\r\n\r\n"
    )


def test_a_refusal_is_told_once_for_each_kind(stage: Stage) -> None:
    """A client that tries a thousand times fills no log, and writes no line of its own into it."""
    for name in ("a", "b", "c"):
        stage.ask(f"POST /containers/{name}/start")
        stage.ask(f"GET /images/{name}/json")
    [first, second] = stage.log
    assert first.startswith("refused POST /containers: 'POST /containers/a/start'")
    assert second.startswith("refused GET /images: 'GET /images/a/json'")


def test_a_connection_serves_one_request_after_the_other(stage: Stage) -> None:
    """As the daemon's client does it; a container that is gone is no reason to end it."""
    with stage.connected() as client:
        for path, status in ((f"/containers/{WEB}/json", 200), ("/containers/gone/json", 404)) * 3:
            client.sendall(head(f"GET {path}"))
            assert one(client)[0] == status
    assert len(stage.engine.asked) == 6


def test_a_request_may_come_byte_by_byte(stage: Stage) -> None:
    """A stream has no packets."""
    sent = head("GET /_ping", "Connection: close")
    assert split(stage.send(*(sent[n : n + 1] for n in range(len(sent))))) == (200, b"OK")


def test_a_head_has_no_body(stage: Stage) -> None:
    """But the length of one."""
    said = stage.send(head("HEAD /_ping", "Connection: close"))
    assert split(said) == (200, b"")
    assert b"Content-Length: 2\r\n" in said


@pytest.mark.parametrize(
    "sent",
    [
        head("GET /_ping", "Content-Length: 0"),
        head("GET /_ping", "Transfer-Encoding: chunked"),
        head("GET /_ping", "Content-Length: 3", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head("GET /_ping", "Content-Length: 30") + b"POST /containers/create HTTP/1.1\r\n",
        head("GET /_ping", "Connection: Upgrade", "Upgrade: tcp"),
        head("GET /_ping", "Upgrade: h2c"),
        head("GET /_ping", "Host: other"),
        head("GET /_ping") + head("POST /containers/create"),
        head("GET /_ping") + head("GET /_ping"),
        head("GET /_ping") + b"\r\n",
        b"\r\n" + head("GET /_ping"),
        b"GET /_ping HTTP/1.1\nHost: a\n\n",
        b"GET /_ping HTTP/1.1\r\nHost: a\r\nA: b\n\r\n",
        b"GET /_ping HTTP/1.0\r\nHost: a\r\n\r\n",
        b"GET /_ping\r\n\r\n",
        b"\x16\x03\x01\x02\x00\n",
        head("GET /_ping", *(["A: b"] * 100)),
        head("GET /_ping", "A: " + "a" * 100_000),
        b"A" * 1_000_000,
    ],
    ids=lambda sent: ascii(sent[:60]),
)
def test_a_hostile_request_is_refused(stage: Stage, sent: bytes) -> None:
    """Smuggling, hijacking, flooding: the engine is not asked, and the next client is served."""
    status, body = split(stage.send(sent))
    assert status in (400, 431)
    assert json.loads(body)["message"].startswith("docker-socket-proxy: ")
    assert stage.engine.heads == []
    assert stage.ask("GET /_ping") == (200, b"OK")


@pytest.mark.parametrize(
    "line",
    [
        *("GET /%2e%2e/_ping", "GET //_ping", "GET /_ping/../info", "GET http://localhost/_ping"),
        *("GET /containers/a%2fb/json", "CONNECT localhost:80", "OPTIONS *", "TRACE /_ping"),
    ],
)
def test_a_path_with_a_trick_is_refused(stage: Stage, line: str) -> None:
    """Whatever another program would make of it."""
    assert stage.ask(line)[0] == 403
    assert stage.engine.heads == []


def test_a_forbidden_request_with_a_body_gets_its_answer(stage: Stage) -> None:
    """Also while it is still being sent."""
    with stage.connected() as client:
        client.sendall(head("POST /containers/create", "Content-Length: 250000"))
        for _ in range(25):
            client.sendall(b"x" * 10_000)
        status, said = split(rest(client))
    assert (status, "not allowed" in json.loads(said)["message"]) == (403, True)


def test_who_does_not_wait_for_an_answer_gets_none(stage: Stage) -> None:
    """A second request before the first is answered: nobody says whose answer it would be."""
    stage.engine.silent = True
    with stage.connected() as client:
        client.sendall(head("GET /version"))
        sees("the question", lambda: bool(stage.engine.asked))
        client.sendall(head("GET /version"))
        assert rest(client) == b""
    assert stage.engine.left.wait(5)
    assert stage.log == [
        "refused a client that does not wait for its answer; further ones are not logged"
    ]


def test_who_goes_away_is_asked_for_no_longer(stage: Stage) -> None:
    """The engine's connection ends with the client's."""
    stage.engine.silent = True
    with stage.connected() as client:
        client.sendall(head("GET /version"))
        sees("the question", lambda: bool(stage.engine.asked))
    assert stage.engine.left.wait(5)


# Limits.


def test_a_slow_head_is_not_waited_for(stage: Stage) -> None:
    """A byte now and then holds no connection for ever."""
    stage.limited(head_seconds=0.1)
    with stage.connected() as client:
        client.sendall(b"GET /_ping HTTP/1.1\r\n")
        status, _said = split(rest(client))
    assert status == 408


def test_an_idle_connection_ends(stage: Stage) -> None:
    """Without a word: the client may be about to ask."""
    stage.limited(idle_seconds=0.1)
    with stage.connected() as client:
        client.sendall(head("GET /_ping"))
        assert one(client)[0] == 200
        assert rest(client) == b""


def test_connections_are_counted(stage: Stage) -> None:
    """One too many is told so; one that ends makes room."""
    stage.limited(connections=1)
    with stage.connected() as client:
        client.sendall(head("GET /_ping"))
        assert one(client)[0] == 200
        status, body = split(stage.send())
        assert (status, "1 connections" in json.loads(body)["message"]) == (503, True)
    sees("room", lambda: stage.send(head("GET /_ping", "Connection: close"))[9:12] == b"200")


def test_an_answer_that_is_too_long_is_told(stage: Stage) -> None:
    """And not held in memory to its end."""
    stage.limited(answer_bytes=1000)
    stage.engine.answers["/containers/json"] = answer(b"[" + b" " * 2000 + b"]")
    status, said = stage.ask("GET /containers/json")
    assert status == 502
    assert "more than 1000 bytes" in said["message"]


def test_who_does_not_read_is_left(stage: Stage) -> None:
    """A stream to nobody is not kept for ever."""
    stage.limited(write_seconds=0.2)
    with stage.connected() as client:
        client.sendall(head("GET /events"))
        # The engine's own end of it breaks in the middle of a word.
        with contextlib.suppress(OSError):
            while not stage.engine.left.is_set():
                stage.engine.tell(*[happened("kill", signal="1" * 100)] * 20)
        assert stage.engine.left.wait(5)
    assert any("does not read" in line for line in stage.log)


# The engine.


def test_an_engine_that_is_away_is_told_and_waited_for(stage: Stage) -> None:
    """502 in Docker's form, a line in the log each time it changes, and the proxy stays."""
    stage.engine.stop()
    for _ in range(2):
        status, said = stage.ask("GET /_ping")
        assert status == 502
        assert f"docker-socket-proxy: the engine at {stage.engine.path}" in said["message"]
    assert stage.ask("GET /events")[0] == 502
    stage.engine.start()
    assert stage.ask("GET /_ping") == (200, b"OK")
    [away, back] = stage.log
    assert "cannot be read" in away
    assert back == "the engine answers again"


def test_a_socket_that_the_engine_makes_anew_is_found(stage: Stage) -> None:
    """A restart of the engine is no restart of the proxy."""
    stage.ask("GET /_ping")
    stage.engine.stop()
    stage.engine.start()
    assert stage.ask("GET /_ping") == (200, b"OK")


def test_an_engine_that_does_not_answer_is_told(stage: Stage) -> None:
    """504, before the client's own patience ends."""
    stage.limited(engine_seconds=0.1)
    stage.engine.silent = True
    status, said = stage.ask("GET /containers/json")
    assert (status, "within 0.1 s" in said["message"]) == (504, True)


def test_an_answer_that_does_not_end_is_told(stage: Stage) -> None:
    """It began in time, and then came to nothing."""
    stage.limited(answer_seconds=0.2)
    stage.engine.endless.add("/version")
    stage.engine.answers["/version"] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"
    status, said = stage.ask("GET /version")
    assert (status, "within 0.2 s" in said["message"]) == (504, True)


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "500 Server Error"])
def test_the_engines_own_refusal_passes(stage: Stage, status: str) -> None:
    """Its status and its message: "not found" means gone, the others mean trouble."""
    refusal = answer({"message": "no", "detail": "s3cret"}, status)
    stage.engine.answers["/containers/web/json"] = refusal
    assert stage.ask("GET /containers/web/json") == (int(status[:3]), {"message": "no"})


@pytest.mark.parametrize(
    "said",
    [
        *(b"", b"HTTP/1.1 200 OK\r\n", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 999 No\r\n\r\n"),
        b"HTTP/1.1 101 Switching\r\n\r\n",
        answer(b"", "301 Moved"),
        *(answer(b"no JSON"), answer(b"[" * 100_000), answer({"Id": WEB}), answer([])),
        answer(described(Config={"Env": "SERVICE_A=b"})),
        *(
            b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + body
            for framing, body in (
                (b"Content-Length: %d" % (len(WHOLE) + 1), WHOLE),
                (b"Content-Length: %d." % len(WHOLE), WHOLE),
                (b"Content-Length: %d\r\nContent-Length: 1" % len(WHOLE), WHOLE),
                (b"Content-Length: %d\r\nTransfer-Encoding: chunked" % len(WHOLE), WHOLE),
                (b"Transfer-Encoding: gzip", WHOLE),
                (b"Transfer-Encoding: chunked", b"+%x\r\n%s\r\n0\r\n\r\n" % (len(WHOLE), WHOLE)),
                (b"Transfer-Encoding: chunked", b"%x\r\n%sxx0\r\n\r\n" % (len(WHOLE), WHOLE)),
                (b"Transfer-Encoding: chunked", b"%x\r\n%s\r\n" % (len(WHOLE), WHOLE)),
            )
        ),
    ],
    ids=lambda said: ascii(said[:70]),
)
def test_an_answer_that_cannot_be_read_does_not_pass(stage: Stage, said: bytes) -> None:
    """The daemon learns that nothing is known, and concludes nothing."""
    stage.engine.answers[f"/containers/{WEB}/json"] = said
    status, failure = stage.ask(f"GET /containers/{WEB}/json")
    assert status == 502
    assert failure["message"].startswith("docker-socket-proxy: ")


def test_one_answer_that_cannot_be_read_is_told_once(stage: Stage) -> None:
    """The daemon asks again and again, others in between: the engine itself is well."""
    stage.engine.answers["/containers/web/json"] = answer({})
    for _ in range(3):
        assert stage.ask("GET /containers/web/json")[0] == 502
        assert stage.ask("GET /_ping")[0] == 200
    [line] = stage.log
    assert "has no Id" in line


def test_a_refused_subscription_is_no_stream(stage: Stage) -> None:
    """The engine's own word and status, and an end."""
    stage.engine.answers["/events"] = answer({"message": "too new"}, "400 Bad Request")
    assert stage.ask("GET /v1.99/events") == (400, {"message": "too new"})


@pytest.mark.parametrize("cut", [1, 7, 4096])
def test_an_answer_may_come_in_parts(stage: Stage, cut: int) -> None:
    """Docker sends long ones so; one without a length ends with its connection."""
    body = json.dumps(described()).encode()
    parts = [body[n : n + cut] for n in range(0, len(body), cut)]
    chunks = b"".join(b"%X;a=b\r\n%s\r\n" % (len(part), part) for part in parts)
    for said in (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n" + body,
    ):
        stage.engine.answers[f"/containers/{WEB}/json"] = said
        status, found = stage.ask(f"GET /containers/{WEB}/json")
        assert (status, found["Name"]) == (200, "/web")


# Events.


def next_event(client: socket.socket) -> Any:
    """The next part of a stream: one line."""
    size = b""
    while not size.endswith(b"\r\n"):
        size += client.recv(1)
    left = int(size, 16) + 2
    data = b""
    while len(data) < left:
        data += client.recv(left - len(data))
    return json.loads(data) if left > 2 else None


def subscribe(stage: Stage, client: socket.socket) -> None:
    """Ask for the events, and read the head of the answer."""
    client.sendall(head("GET /v1.44/events?" + query(filters={"type": ["container"]})))
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(1)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert stage.engine.listening.wait(5)


def test_events_pass_as_they_happen(stage: Stage) -> None:
    """The head before the first of them, each without waiting for the next, reduced."""
    with stage.connected() as client:
        subscribe(stage, client)
        for action in ("start", "die"):
            stage.engine.tell(happened(action, token="s3cret"))
            assert next_event(client) == {
                "Type": "container",
                "Action": action,
                "Actor": {"ID": WEB, "Attributes": {}},
            }


def test_lines_are_lines_however_they_come(stage: Stage) -> None:
    """Several at once, one in two parts, others in between that do not pass."""
    with stage.connected() as client:
        subscribe(stage, client)
        stage.engine.tell(happened("start"), happened("exec_start: s3cret"), happened("kill"))
        assert [next_event(client)["Action"] for _ in range(2)] == ["start", "kill"]
        line = json.dumps(happened("pause")).encode() + b"\n"
        stage.engine.stream(line[:30])
        stage.engine.stream(line[30:])
        assert next_event(client)["Action"] == "pause"


def test_events_do_not_wait(stage: Stage) -> None:
    """A service leaves before its container does: that is a matter of milliseconds."""
    with stage.connected() as client:
        subscribe(stage, client)
        began = time.monotonic()
        for _ in range(50):
            stage.engine.tell(happened("kill", signal="15"))
            assert next_event(client)["Actor"]["Attributes"] == {"signal": "15"}
        # Far more than it takes on a busy machine, far less than any buffer's or timer's delay.
        assert time.monotonic() - began < 2.5


@pytest.mark.parametrize(
    "end", ["the stream ends", "the engine dies", "no JSON", "no object", "a line without end"]
)
def test_a_stream_that_ends_ends_as_streams_do(stage: Stage, end: str) -> None:
    """The daemon hears the end and looks at everything; its client would choke on half a part."""
    stage.limited(line_bytes=10_000)
    with stage.connected() as client:
        subscribe(stage, client)
        match end:
            case "the stream ends":
                stage.engine.end_stream()
            case "the engine dies":
                stage.engine.stop()
            case "no JSON":
                stage.engine.tell(b"{s3cret}")
            case "no object":
                stage.engine.tell([1])
            case _:
                stage.engine.stream(b"{" + b" " * 10_001)
        assert rest(client) == b"0\r\n\r\n"
    assert not any("s3cret" in line for line in stage.log)


def test_a_listener_that_goes_away_is_listened_for_no_longer(stage: Stage) -> None:
    """The engine keeps no stream for nobody."""
    with stage.connected() as client:
        subscribe(stage, client)
    assert stage.engine.left.wait(5)


def test_a_listener_has_nothing_to_say(stage: Stage) -> None:
    """A word on the open stream ends it."""
    with stage.connected() as client:
        subscribe(stage, client)
        client.sendall(head("POST /containers/create"))
        assert rest(client) == b""
    assert stage.engine.left.wait(5)
    assert not any("create" in asked for asked in stage.engine.asked)


# The socket.


def test_a_socket_has_its_mode_when_it_has_its_name(tmp_path: pathlib.Path) -> None:
    """Whatever the process's own mask, and also where an old one lies."""
    path = tmp_path / "docker.sock"
    for mode in (0o660, 0o600):
        with listen(str(path), mode):
            assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [entry.name for entry in tmp_path.iterdir()] == ["docker.sock"]


def test_what_is_no_socket_is_left_alone(tmp_path: pathlib.Path) -> None:
    """A path that was mistyped costs nobody a file."""
    path = tmp_path / "docker.sock"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match=re.escape(str(path))):
        listen(str(path), 0o660)
    assert path.read_text() == "precious"
