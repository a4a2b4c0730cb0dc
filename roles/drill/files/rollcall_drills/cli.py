"""The commands of `drill`."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from .analysis.bounds import Status, Verdict, bounds_from, judge
from .errors import UserError
from .history.clock import Clock
from .history.folder import Folder, load, write_json
from .history.records import Mark, MarkName
from .history.settings import Settings
from .observer.lifecycle import observer_pid, start, stop
from .schedule import schedule

_EXITS = {Status.HELD: 0, Status.MISSED: 1, Status.UNSTABLE: 3}


def main(argv: Sequence[str]) -> int:
    """Run a command; returns the process's exit status."""
    options = _parser().parse_args(argv)
    try:
        status: int = options.run(options)
    except UserError as error:
        print(f"✗ {error.what}\n  → {error.remedy}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


def _start(options: argparse.Namespace) -> int:
    settings = Settings(
        url=options.url,
        rate=options.rate,
        post=options.post,
        fresh=options.fresh,
        timeout=options.timeout,
        consul=tuple(url.rstrip("/") for url in options.consul),
        service=options.service,
        instance_pattern=options.instance_pattern,
        metrics=options.metrics,
        consul_ca=options.consul_ca,
        consul_token_file=options.consul_token_file,
    )
    start(options.history, settings, options.name, options.description, options.ready_timeout)
    print(f"Sending {settings.rate:g} requests per second to {options.url}")
    print(f"Recording into {options.history}")
    return 0


def _observe(options: argparse.Namespace) -> int:
    # Only this command needs h11; a history can be judged without it.
    from .observer.process import observe

    return observe(options.history)


def _stop(options: argparse.Namespace) -> int:
    print("stopped, everything is written" if stop(options.history) else "no observer is running")
    return 0


def _mark(options: argparse.Namespace) -> int:
    folder = Folder(options.history)
    name = MarkName(options.name)
    offset = folder.head().offset
    if options.host and options.address and len(options.host) != len(options.address):
        raise UserError(
            f"{len(options.host)} hosts and {len(options.address)} addresses",
            "Give one --address for each --host, in the same order, or none",
        )
    running = observer_pid(folder) is not None
    if not running and name in (MarkName.CALM, MarkName.FAULT):
        raise UserError(
            f"the observer is not running: {name} was not marked, so that no fault goes unrecorded",
            f"See {folder.log}; drill start begins a new history",
        )
    if not running and name is not MarkName.NOTE:
        print(f"the observer is not running: see {folder.log}", file=sys.stderr)
    at = Clock(offset).now() if running else Clock.set_now().now()
    mark = Mark(at, name, options.detail, tuple(options.host), tuple(options.address))
    with folder.marks.open("a", encoding="utf-8") as file:
        file.write(json.dumps(mark.to_line(), ensure_ascii=False) + "\n")
    return 0


def _judge(options: argparse.Namespace) -> int:
    folder = Folder(options.history)
    history = load(folder)
    bounds = folder.saved_bounds() if options.bounds is None else _bounds(options.bounds)
    verdict = judge(history, bounds_from(bounds))
    write_json(folder.bounds, bounds)
    write_json(folder.verdict, verdict.to_json())
    print(_table(verdict))
    return _EXITS[verdict.status]


def _report(options: argparse.Namespace) -> int:
    from .report import page, series

    folder = Folder(options.history)
    history = load(folder)
    verdict = judge(history, bounds_from(folder.saved_bounds()))
    data = series.series(history, verdict)
    output = options.output or folder.path / "report.html"
    write_json(output.with_suffix(".json"), data)
    output.write_text(page.page(data), encoding="utf-8")
    print(output)
    return 0


def _schedule(options: argparse.Namespace) -> int:
    least, most = options.hold
    if options.faults < 1 or not 0 <= least <= most:
        raise UserError(
            f"--faults {options.faults} --hold {least:g} {most:g} is invalid",
            "Give at least one fault, and a MIN of at most MAX",
        )
    steps = schedule(options.seed, options.faults, options.host, options.fault, (least, most))
    print(json.dumps([step.to_json() for step in steps], indent=2))
    return 0


def _bounds(text: str) -> dict[str, float]:
    """The bounds of a JSON text, or of the file of that name."""
    try:
        if text.lstrip().startswith("{"):
            return bounds_from(json.loads(text))
        return bounds_from(json.loads(pathlib.Path(text).read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(
            f"{text} cannot be read: {error.strerror}", "Give a file or JSON"
        ) from error
    except ValueError as error:
        raise UserError(
            f"{text} is not valid JSON: {error}", 'Bounds look like {"failed": 0}'
        ) from error


def _table(verdict: Verdict) -> str:
    """The verdict as a table."""
    rows = [("BOUND", "WANTED", "MEASURED", "HELD")]
    for result in verdict.results:
        measured = "?" if result.measured is None else f"{round(result.measured, 3):g}"
        rows.append((result.name, result.wanted, measured, "yes" if result.held else "NO"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, *(f"- {reason}" for reason in verdict.reasons), verdict.status])


def _parser() -> argparse.ArgumentParser:
    """The options of all commands."""
    parser = argparse.ArgumentParser(prog="drill", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str | None) -> argparse.ArgumentParser:
        # Without a help text argparse leaves a command out of the list.
        made = commands.add_parser(name, help=text) if text else commands.add_parser(name)
        made.description = text
        made.set_defaults(run=run)
        if name != "schedule":
            made.add_argument("--history", type=pathlib.Path, required=True, metavar="DIR")
        return made

    begin = command("start", _start, "Start a history: traffic and a recorder in the background.")
    begin.add_argument("--url", required=True, help="the page to request")
    defaults = Settings("http://localhost/")
    begin.add_argument("--rate", type=float, default=defaults.rate, help="requests per second")
    begin.add_argument(
        "--post", type=float, default=defaults.post, help="share of POST requests, 0 to 1"
    )
    begin.add_argument(
        "--fresh",
        type=float,
        default=defaults.fresh,
        help="share of requests on a new connection, 0 to 1",
    )
    begin.add_argument(
        "--timeout", type=float, default=defaults.timeout, help="seconds until a complete response"
    )
    begin.add_argument(
        "--consul", action="append", default=[], metavar="URL", help="a Consul agent; repeatable"
    )
    begin.add_argument("--consul-ca", metavar="FILE", help="CA of the agents' certificates, PEM")
    begin.add_argument("--consul-token-file", metavar="FILE", help="file with the ACL token")
    begin.add_argument(
        "--service", default=defaults.service, help="the service whose instances are recorded"
    )
    begin.add_argument(
        "--instance-pattern",
        default=defaults.instance_pattern,
        metavar="REGEX",
        help="finds the name of the instance in a page; one group",
    )
    begin.add_argument("--metrics", metavar="URL", help="the balancer's metrics")
    begin.add_argument("--name", default="", help="title of the report (default: name of DIR)")
    begin.add_argument("--description", default="", help="description in the report")
    begin.add_argument(
        "--ready-timeout",
        type=float,
        metavar="SECONDS",
        help="seconds until the page, the agents and the metrics must have answered",
    )
    command("observe", _observe, None)
    command("stop", _stop, "Stop a history: requests under way are finished and written.")
    mark = command("mark", _mark, "Record in a history what happens now.")
    mark.add_argument("name", choices=[str(name) for name in MarkName], metavar="NAME")
    mark.add_argument("--detail", default="", help="remark for the report")
    mark.add_argument(
        "--host",
        action="append",
        default=[],
        help="the host that is hit, by the name of its instances; repeatable",
    )
    mark.add_argument(
        "--address",
        action="append",
        default=[],
        help="address of the host, or of one instance with its port; repeatable",
    )
    judging = command("judge", _judge, "Check a history against bounds.")
    judging.add_argument(
        "--bounds",
        metavar="FILE|JSON",
        help='{"failed": 0, …}; default: the bounds of the last judgement',
    )
    report = command("report", _report, "Write the report of a history, one HTML page.")
    report.add_argument("--output", type=pathlib.Path, metavar="FILE")
    plan = command(
        "schedule", _schedule, "Print a random schedule of faults, the same for the same seed."
    )
    plan.add_argument("--seed", type=int, required=True)
    plan.add_argument("--faults", type=int, required=True, metavar="N")
    plan.add_argument("--host", action="append", required=True)
    plan.add_argument("--fault", action="append", required=True)
    plan.add_argument(
        "--hold", type=float, nargs=2, default=(5.0, 15.0), metavar=("MIN", "MAX"), help="seconds"
    )
    return parser
