#!/usr/bin/env python3
"""The balancer beside what else one would take: a thousand services, requests, and a new backend.

Run from the activated environment on a machine with a Docker Engine; it starts a Consul agent of
its own and containers named `balancer-bench-…`, and removes them. Prints ratios: seconds differ
from machine to machine.

`follow`: services of three instances in one Consul. One instance leaves or comes back at a time;
how long until the rendered file has it, how many connections wait for Consul, what a change costs
processors and wire. Ours discovers by tag, and the file is what nginx has accepted; beside it a
`range services` template, of which nobody asks whether nginx would take it.

`change`: an instance is registered, a second one just after it, and both are deregistered: how long
until requests go there, or no more. Beside ours a template with `nginx -s reload`.

`churn`: a hundred changes in ten seconds under load: failed requests, and p99 beside a calm time.

`pass`: requests per second and p99 through the balancer, and through the same nginx with an
upstream written by hand, in turns.

`route`: a backend's container starts, Registrator reports it, and a request is routed to it: when
each hop is reached, for ours, for a template with `nginx -s reload`, and for Traefik's Consul
catalog provider at its defaults, which poll every 15 s, and with its watch. Traefik is compiled
first, once: about 11 CPU minutes.

`profiles`: the same way in a cluster of the secure profile and in an open one: TLS, encrypted
gossip, tokens, default deny, and the Docker socket proxy.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.extend(str(ROOT / folder) for folder in ("lab", ".ansible/collections"))

from rollcall_bench.change import run_change  # noqa: E402  (the path comes first)
from rollcall_bench.churn import run_churn  # noqa: E402
from rollcall_bench.containers import build  # noqa: E402
from rollcall_bench.follow import run_follow  # noqa: E402
from rollcall_bench.passing import run_pass  # noqa: E402
from rollcall_bench.profiles import run_profiles  # noqa: E402
from rollcall_bench.route import run_route  # noqa: E402


def main() -> None:
    """Run what is asked for, all parts without a word."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "part", nargs="?", choices=["follow", "change", "churn", "pass", "route", "profiles"]
    )
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--starts", type=int, default=6, help="in each turn (default 6)")
    options = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "follow": lambda: run_follow(options.services, options.changes),
        "change": lambda: run_change(options.turns, options.changes),
        "churn": lambda: run_churn(options.turns),
        "pass": lambda: run_pass(options.rounds, options.seconds, options.connections),
        "route": lambda: run_route(options.turns, options.starts),
        "profiles": lambda: run_profiles(options.turns, options.starts),
    }
    build()
    for name, run in parts.items():
        if options.part in (None, name):
            run()


main()
