"""nginx serves on whatever becomes of the program beside it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import socket

import pytest
from ansible_collections.rollcall.discovery.tests.support.balancer.clients import Load, failures
from ansible_collections.rollcall.discovery.tests.support.balancer.nginx import NginxStage

WEB = [{"name": "web"}]
# Prints the process IDs of the control process, which is Python too, but not the first process.
_CONTROL = "grep -lz '^control$' /proc/[0-9]*/cmdline | cut -d/ -f3"
_FOLLOWERS = "grep -l '^consul-template$' /proc/[0-9]*/comm 2>&- | cut -d/ -f3"


def control(stage: NginxStage) -> list[str]:
    """The process IDs of the control process."""
    return stage.inside("sh", "-c", _CONTROL).split()


def followers(stage: NginxStage) -> set[str]:
    """The process IDs of consul-template."""
    return set(stage.inside("sh", "-c", _FOLLOWERS).split())


def test_the_control_process_is_started_again(stage: NginxStage) -> None:
    """Killed, it comes back and follows Consul: nginx is the same, and was not reloaded."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    master = stage.inside("cat", "/run/nginx-lb/nginx.pid")
    generation = stage.status()["generation"]
    load = Load(stage.place.address, stage.port, rate=50)
    old, old_followers = control(stage), followers(stage)
    stage.inside("sh", "-c", f"kill -9 {' '.join(old)}")
    stage.sees("another one", lambda: (new := control(stage)) and new != old)
    stage.sees("another follower", lambda: followers(stage) - old_followers)
    assert not old_followers & followers(stage)
    stage.backend("two")
    stage.serving("one", "two")
    assert failures(load.end()) == []
    assert stage.inside("cat", "/run/nginx-lb/nginx.pid") == master
    assert stage.status()["generation"] == generation
    assert "the control process ended with status -9 and is started again" in stage.log()


def test_the_container_ends_with_nginx(stage: NginxStage) -> None:
    """The engine starts it again by its restart policy."""
    stage.start(services=WEB)
    stage.inside("sh", "-c", "kill -9 $(cat /run/nginx-lb/nginx.pid)")
    assert stage.docker("wait", stage.name) != "0"
    assert "nginx ended unexpectedly with status -9" in stage.log()


def test_a_full_volume_costs_only_the_next_start(stage: NginxStage) -> None:
    """Instances and settings change as ever; the reason is logged."""
    stage.backend("one")
    stage.volume_options = ("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", "o=size=64k")
    stage.start(services=WEB)
    stage.serving("one")
    fill = "dd if=/dev/zero of=/var/lib/nginx-lb/fill bs=4k 2>&-; true"
    stage.inside("sh", "-c", fill)
    load = Load(stage.place.address, stage.port, rate=50, reopens=True)
    stage.backend("two")
    stage.serving("one", "two")
    stage.settings(services=[*WEB, {"name": "shop", "hosts": ["shop.example"]}])
    stage.acknowledged()
    assert stage.get(host="shop.example").status == 503
    stage.backend("three")
    stage.serving("one", "two", "three")
    load.end()
    assert "the state was not written" in stage.log()
    assert "the settings were not kept for the next start" in stage.log()
    assert failures(load.samples) == []


def test_nobody_who_reads_the_log_holds_up_a_request(stage: NginxStage) -> None:
    """The engine's log reader is stopped: requests are answered, and logged when it goes on."""
    stage.backend("one")
    stage.start(services=WEB)
    stage.serving("one")
    readers = _log_readers(stage)
    for each in readers:
        os.kill(each, signal.SIGSTOP)
    try:
        # A pipe holds 64 KiB, a line of the log some 300 bytes.
        answers = {stage.get(f"/{'x' * 1000}").status for _ in range(400)}
    finally:
        for each in readers:
            os.kill(each, signal.SIGCONT)
    assert answers == {200}
    stage.get("/the-last-one")
    stage.sees(
        "the last request", lambda: any("the-last" in row["request"] for row in stage.requests())
    )
    assert len([row for row in stage.requests() if "xxx" in row["request"]]) == 400


def _log_readers(stage: NginxStage) -> list[int]:
    """The processes that read the container's output: its shim."""
    if stage.place.engine:
        pytest.skip("the engine's processes are elsewhere")
    first = stage.docker("inspect", "-f", "{{.State.Pid}}", stage.name)
    stat = pathlib.Path(f"/proc/{first}/stat").read_text()
    return [int(stat.rpartition(")")[2].split()[1])]


def test_half_requests_of_one_client_shut_nobody_out(stage: NginxStage) -> None:
    """More than a soft limit of 1,024 files; they are closed after the client's timeout."""
    stage.backend("one")
    stage.start(services=WEB, client_timeout="2s")
    stage.serving("one")
    with contextlib.ExitStack() as stack:
        half = []
        for _ in range(1500):
            client = stack.enter_context(
                socket.create_connection((stage.place.address, stage.port), timeout=30)
            )
            client.sendall(b"GET / HTTP/1.1\r\nHost: a")
            half.append(client)
        assert {stage.get().status for _ in range(20)} == {200}
        with contextlib.suppress(ConnectionResetError):
            assert half[0].recv(100)[:12] in (b"", b"HTTP/1.1 408")


def test_connections_of_one_client_can_be_limited(stage: NginxStage) -> None:
    """The one more is answered with 429, a health check is not."""
    stage.backend("one")
    stage.start(services=WEB, connections_per_client=2)
    stage.serving("one")
    with contextlib.ExitStack() as stack:
        slow: list[socket.socket] = []

        def refused() -> bool:
            """Whether one more is, beside those that are open: the first of them may be, too."""
            place = (stage.place.address, stage.port)
            slow.append(stack.enter_context(socket.create_connection(place, timeout=30)))
            slow[-1].sendall(b"GET /?seconds=20 HTTP/1.1\r\nHost: a\r\n\r\n")
            return bool(stage.get().status == 429)

        stage.sees("a refusal", refused)
        assert len(slow) >= 2
        assert stage.get("/healthz").status == 200
