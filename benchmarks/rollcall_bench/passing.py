"""Requests through the balancer, and through the same nginx with an upstream written by hand."""

from __future__ import annotations

import contextlib
import re
import statistics

from rollcall_agents.agent import LOCAL, free_ports

from .balancers import SERVICE, ours, ready
from .catalogue import consul
from .containers import LOAD, backends, docker, nginx
from .figures.table import Row, in_pairs, table

# The same proxy and the same log, without anything that follows, judges or retries.
BY_HAND = """\
user www-data;
worker_processes auto;
pid /run/hand.pid;
error_log /dev/stderr warn;
events { worker_connections 4096; }
http {
  log_format json escape=json
    '{"time":"$time_iso8601","client":"$remote_addr","host":"$host","request":"$request",'
    '"status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,"service":"web",'
    '"backend":"$upstream_addr","attempts":1,"backend_status":"$upstream_status",'
    '"backend_connect_seconds":"$upstream_connect_time",'
    '"backend_seconds":"$upstream_response_time"}';
  access_log /dev/stdout json buffer=32k flush=1s;
  upstream web {
    zone web 64k;
%s
    keepalive 32;
  }
  server {
    listen %d;
    location / {
      proxy_pass http://web;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
"""


def wrk(port: int, seconds: int, connections: int) -> tuple[float, float]:
    """Requests a second, and the p99 in milliseconds."""
    text = docker(
        *("run", "--rm", "--name", "balancer-bench-wrk", "--network", "host", LOAD),
        *("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"),
        f"http://{LOCAL}:{port}/",
    )
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    assert rate, text
    assert tail, text
    assert "Non-2xx" not in text, text
    return float(rate[1]), float(tail[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[tail[2]]


def run_pass(rounds: int, seconds: int, connections: int) -> None:
    """Ours and by hand in turns, each once first in each pair."""
    *ports, hand = free_ports(4)
    with consul() as (agent, folder), contextlib.ExitStack() as stack:
        members = "\n".join(f"    server {LOCAL}:{port};" for port in ports)
        stack.enter_context(nginx("backends", backends(dict.fromkeys(ports, "hello")), folder))
        stack.enter_context(nginx("hand", BY_HAND % (members, hand), folder))
        for port in ports:
            agent.register(SERVICE, f"web-{port}", Address=LOCAL, Port=port)
        own = stack.enter_context(ours(agent)).port
        for port in (own, hand):
            ready(port, "hello")
        rates: dict[int, list[float]] = {own: [], hand: []}
        tails: dict[int, list[float]] = {own: [], hand: []}
        for turn in range(rounds):
            pair = (own, hand) if turn % 2 == 0 else (hand, own)
            for port in pair:
                rates[port].append(wrk(port, seconds, connections)[0])
            for port in pair:
                # Two connections leave the processors room: a full queue has no latency of its own.
                tails[port].append(wrk(port, seconds, 2)[1])
    print(f"{rounds} times {seconds} s each, in turns; {connections} connections, for p99 two")
    median = statistics.median
    # What else runs on the machine only ever adds: the best round has least of it.
    rows = [
        Row("requests/s, median", (median(rates[own]), median(rates[hand]))),
        Row("requests/s, best", (max(rates[own]), max(rates[hand]))),
        Row("p99 ms, median", (median(tails[own]), median(tails[hand])), 2),
        Row("p99 ms, best", (min(tails[own]), min(tails[hand])), 2),
    ]
    print(*table(("ours", "by hand"), rows), sep="\n")
    for title, found in (("requests/s", rates), ("p99", tails)):
        print(f"{title}, ours / by hand in one turn: {in_pairs(found[own], found[hand])}")
