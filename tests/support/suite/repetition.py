"""A pytest plugin: a test that fails while the machine stands still is repeated once, and counted.

pytest-rerunfailures repeats it; this plugin says which failures the machine has to answer for, and
prints how many tests passed on their repetition. Any other failure is final.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Generator

import pytest

from ..stalls import WATCH

# No test of ours waits for anything for less; the kernel lets nobody wait so long whose machine
# has a share of the processor for him.
SPOILT_SECONDS = 0.5


class MachineStalled(AssertionError):
    """A failure during which this process was kept from running."""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Measure, and repeat once what the machine has spoilt."""
    WATCH.start()
    # Not in the process that hands tests to xdist's workers, and not where pytest runs without
    # the plugin, as ansible-test does.
    if config.pluginmanager.hasplugin("rerunfailures") and not config.option.reruns:
        config.option.reruns = 1
        config.option.only_rerun = [MachineStalled.__name__]
        # A worker of xdist's tells the first process of each test, in two small messages: without
        # this the second one waits for the first one's acknowledgement, 40 ms a test.
        if connection := getattr(config.failures_db, "sock", None):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Name the failures that are the machine's."""
    began = time.monotonic()
    try:
        return (yield)
    except Exception as error:
        stood = WATCH.longest(began)
        if stood >= SPOILT_SECONDS:
            raise MachineStalled(
                f"this machine stood still for {stood:.2f} s while the test ran: {error}"
            ) from error
        raise


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests passed when they were repeated, and which."""
    repeated = {report.nodeid for report in terminalreporter.getreports("rerun")}
    passed = sorted(
        report.nodeid
        for report in terminalreporter.getreports("passed")
        if report.nodeid in repeated
    )
    if passed:
        terminalreporter.write_line(f"{len(passed)} passed on repetition:")
        for nodeid in sorted(passed):
            terminalreporter.write_line(f"  {nodeid}")
