"""A lab that is up makes room for another one, the test suite's, and comes back as it was.

Its hosts are stopped and renamed, which frees their names and addresses; its files are moved. The
order makes every interruption harmless: hosts are renamed before they are stopped, the files move
last, and only then may another lab be made. Back it goes in the reverse order.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
from collections.abc import Callable, Iterator

from . import settings
from .docker import engine
from .files import state
from .files.locking import exclusive
from .hosts import containers, machines
from .progress import LabError, echo, run, step

# Tells what a run starts that the lab it finds is the run's own: the run's process id.
VARIABLE = "ROLLCALL_LAB_APART"
_SIGNALS = (signal.SIGHUP, signal.SIGTERM)


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Set aside the lab that is up and bring it back at the end, whatever ends the block.

    Nothing happens when no lab is up. SIGTERM and SIGHUP end the block with SystemExit.
    """
    engine.ensure()
    if _is_own_run():
        yield
        return
    if is_left_behind():
        with exclusive():
            bring_back()
    if not machines.existing():
        yield
        return
    with _on_signals(_exit, _SIGNALS):
        try:
            with exclusive():
                set_aside()
            os.environ[VARIABLE] = str(os.getpid())
            yield
        finally:
            with _on_signals(signal.SIG_IGN, (signal.SIGINT, *_SIGNALS)):
                os.environ.pop(VARIABLE, None)
                with exclusive():
                    bring_back()


def set_aside() -> None:
    """Stop and rename every host that stands, and move the lab's files; LabError on a failure."""
    names = machines.existing()
    started = _started(os.getpid()) or 0
    with step(f"Setting the lab that is up aside ({', '.join(names)})"):
        machines.in_parallel(lambda name: containers.remember(name, os.getpid(), started), names)
        for name in names:
            _rename(name, name + machines.ASIDE)
        _stop([name + machines.ASIDE for name in names])
        state.set_aside()


def bring_back() -> None:
    """Remove the lab that was made meanwhile and restore the one that is set aside.

    After an interruption, another call goes on. LabError when hosts of another checkout stand in
    the way.
    """
    names = machines.aside()
    if not names and not state.is_set_aside():
        return
    meanwhile = machines.own() if state.is_set_aside() else []
    restored = [name.removesuffix(machines.ASIDE) for name in names]
    blocked = [name for name in restored if name in machines.existing() and name not in meanwhile]
    if blocked:
        machines.refuse(blocked)
    with step(f"Bringing the lab back ({', '.join(restored) or 'its files'})"):
        if meanwhile:
            known = settings.saved()
            machines.close_connections(known.hosts if known else ())
            machines.remove(meanwhile)
        state.bring_back()
        # One that was interrupted while it shut down runs still, but not for long.
        _stop(names)
        machines.in_parallel(_resume, names)


def is_left_behind() -> bool:
    """Whether a run that was killed left a lab set aside; LabError while that run goes on.

    False for what the run itself starts.
    """
    if _is_own_run():
        return False
    process = _process()
    if process is not None:
        raise LabError(
            f"the lab is set aside while the test suite (process {process}) uses one of its own",
            f"Wait until it ends and brings the lab back, or end it: kill {process}",
        )
    return bool(machines.aside()) or state.is_set_aside()


def refuse_left_behind() -> None:
    """LabError when a lab is set aside, unless the run that did so asks."""
    if is_left_behind():
        names = ", ".join(name.removesuffix(machines.ASIDE) for name in machines.aside())
        raise LabError(
            f"a lab is set aside ({names or 'its files'}): the test suite was killed meanwhile",
            "lab/up brings it back as it was",
        )


def _is_own_run() -> bool:
    """Whether the run that set the lab aside is this process, or one that started it."""
    process = _process()
    return process is not None and os.environ.get(VARIABLE) == str(process)


def _process() -> int | None:
    """The process that set the lab aside, None when there is none or it has ended."""
    for name in machines.aside():
        found = containers.record(name)
        if found and _started(found.process) == found.process_started:
            return found.process
    return None


def _started(process: int) -> int | None:
    """When a process started, in clock ticks since boot: its id alone is reused.

    None for one that has ended, whether its parent knows already or not.
    """
    try:
        status = pathlib.Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    # Behind the name in parentheses, which may have blanks: the third field to the 52nd.
    fields = status.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[22 - 3])


def _resume(name: str) -> None:
    """Run a host as before; its own name comes last, as the sign that everything else is done."""
    lost = containers.resume(name)
    own_name = name.removesuffix(machines.ASIDE)
    _rename(name, own_name)
    containers.forget(own_name)
    if lost:
        echo(f"  {own_name}: not running again: {', '.join(lost)}")


def _stop(names: list[str]) -> None:
    """Shut hosts down in order."""
    if names:
        run(["docker", "stop", "-t", "60", *names], remedy="lab/up brings the lab back")


def _rename(name: str, other: str) -> None:
    """Give a host another name."""
    run(["docker", "rename", name, other], remedy="Read the message; lab/up brings the lab back")


def _exit(number: int, _frame: object) -> None:
    """End as the signal would, but with every `finally`."""
    raise SystemExit(128 + number)


@contextlib.contextmanager
def _on_signals(
    handler: Callable[[int, object], None] | signal.Handlers, signals: tuple[signal.Signals, ...]
) -> Iterator[None]:
    """Handle these signals within the block; an ignored one (nohup) stays ignored."""
    before = {number: signal.getsignal(number) for number in signals}
    handled = [number for number in signals if before[number] != signal.SIG_IGN]
    for number in handled:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
