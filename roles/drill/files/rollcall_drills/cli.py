"""The commands of `drill`."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from .analysis.bounds import Status, Verdict, bounds_from, judge
from .errors import Trouble
from .history.clock import Clock
from .history.folder import Folder, load, write_json
from .history.records import Mark, MarkName
from .history.settings import Settings
from .observer.lifecycle import observer, start, stop
from .schedule import schedule

_EXITS = {Status.HELD: 0, Status.MISSED: 1, Status.UNSTABLE: 3}


def main(words: Sequence[str]) -> int:
    """Run a command; returns the process's exit status."""
    options = _parser().parse_args(words)
    try:
        status: int = options.run(options)
    except Trouble as trouble:
        print(f"✗ {trouble.what}\n  → {trouble.remedy}", file=sys.stderr)
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
    start(options.history, settings, options.name, options.description, options.patience)
    print(f"{options.url} is asked {settings.rate:g} times a second, into {options.history}")
    return 0


def _observe(options: argparse.Namespace) -> int:
    # Only this command needs h11: a history is judged anywhere.
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
        raise Trouble(
            f"{len(options.host)} hosts and {len(options.address)} addresses",
            "Give each host its address, in the same order, or none",
        )
    running = observer(folder) is not None
    if not running and name in (MarkName.CALM, MarkName.FAULT):
        raise Trouble(
            f"nobody observes: no {name} is marked, so that nothing is broken unseen",
            f"See {folder.log}; drill start begins a new history",
        )
    if not running and name is not MarkName.NOTE:
        print(f"nobody observes any more: see {folder.log}", file=sys.stderr)
    at = Clock(offset).now() if running else Clock.set_now().now()
    mark = Mark(at, name, options.detail, tuple(options.host), tuple(options.address))
    with folder.marks.open("a", encoding="utf-8") as file:
        file.write(json.dumps(mark.to_line(), ensure_ascii=False) + "\n")
    return 0


def _judge(options: argparse.Namespace) -> int:
    folder = Folder(options.history)
    history = load(folder)
    wanted = folder.wanted() if options.bounds is None else _bounds(options.bounds)
    verdict = judge(history, bounds_from(wanted))
    write_json(folder.bounds, wanted)
    write_json(folder.verdict, verdict.to_json())
    print(_table(verdict))
    return _EXITS[verdict.status]


def _report(options: argparse.Namespace) -> int:
    from .report import page, series

    folder = Folder(options.history)
    history = load(folder)
    verdict = judge(history, bounds_from(folder.wanted()))
    data = series.series(history, verdict)
    output = options.output or folder.path / "report.html"
    write_json(output.with_suffix(".json"), data)
    output.write_text(page.page(data), encoding="utf-8")
    print(output)
    return 0


def _schedule(options: argparse.Namespace) -> int:
    least, most = options.hold
    if options.faults < 1 or not 0 <= least <= most:
        raise Trouble(
            f"--faults {options.faults} --hold {least:g} {most:g} does not fit",
            "There is at least one fault, and MIN is not more than MAX",
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
        raise Trouble(f"{text} cannot be read: {error.strerror}", "Name a file or JSON") from error
    except ValueError as error:
        raise Trouble(f"{text} is no JSON: {error}", 'Bounds look like {"failed": 0}') from error


def _table(verdict: Verdict) -> str:
    """The judgement for a person."""
    rows = [("BOUND", "WANTED", "MEASURED", "HELD")]
    for line in verdict.lines:
        measured = "?" if line.measured is None else f"{round(line.measured, 3):g}"
        rows.append((line.name, line.wanted, measured, "yes" if line.held else "NO"))
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

    begin = command("start", _start, "Begin a history: traffic and a recorder in the background.")
    begin.add_argument("--url", required=True, help="the page that is asked")
    defaults = Settings("http://localhost/")
    begin.add_argument("--rate", type=float, default=defaults.rate, help="requests per second")
    begin.add_argument("--post", type=float, default=defaults.post, help="share of POSTs")
    begin.add_argument(
        "--fresh", type=float, default=defaults.fresh, help="share on connections of their own"
    )
    begin.add_argument(
        "--timeout", type=float, default=defaults.timeout, help="seconds for a full answer"
    )
    begin.add_argument(
        "--consul", action="append", default=[], metavar="URL", help="a Consul agent; repeatable"
    )
    begin.add_argument(
        "--consul-ca", metavar="FILE", help="who signed the agents' certificates; PEM"
    )
    begin.add_argument("--consul-token-file", metavar="FILE", help="holds the ACL token")
    begin.add_argument("--service", default=defaults.service, help="whose instances are watched")
    begin.add_argument(
        "--instance-pattern",
        default=defaults.instance_pattern,
        metavar="REGEX",
        help="finds in a page whose answer it is",
    )
    begin.add_argument("--metrics", metavar="URL", help="the balancer's metrics")
    begin.add_argument("--name", default="", help="the report's title; DIR's name without one")
    begin.add_argument("--description", default="", help="what this drill shows")
    begin.add_argument(
        "--patience", type=float, metavar="SECONDS", help="how long everything may take to answer"
    )
    command("observe", _observe, None)
    command("stop", _stop, "End a history: what is under way is finished and written.")
    mark = command("mark", _mark, "Tell a history what happens now.")
    mark.add_argument("name", choices=[str(name) for name in MarkName], metavar="NAME")
    mark.add_argument("--detail", default="", help="a remark for the report")
    mark.add_argument(
        "--host", action="append", default=[], help="whom it hits, as its instances name it"
    )
    mark.add_argument(
        "--address", action="append", default=[], help="the host's address, or one instance's"
    )
    judging = command("judge", _judge, "Hold a history against bounds.")
    judging.add_argument(
        "--bounds", metavar="FILE|JSON", help='{"failed": 0, …}; without it the last ones'
    )
    report = command("report", _report, "Draw a history as one page.")
    report.add_argument("--output", type=pathlib.Path, metavar="FILE")
    plan = command("schedule", _schedule, "Print a random order of faults, the same for a seed.")
    plan.add_argument("--seed", type=int, required=True)
    plan.add_argument("--faults", type=int, required=True, metavar="N")
    plan.add_argument("--host", action="append", required=True)
    plan.add_argument("--fault", action="append", required=True)
    plan.add_argument(
        "--hold", type=float, nargs=2, default=(5.0, 15.0), metavar=("MIN", "MAX"), help="seconds"
    )
    return parser
