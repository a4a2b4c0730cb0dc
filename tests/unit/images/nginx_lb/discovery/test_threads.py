"""A thread goes on, whatever its step raises."""

from __future__ import annotations

import threading

from nginx_lb.discovery.threads import repeat


def test_only_its_owner_ends_it() -> None:
    """What is raised is handed over, and the step is called again."""
    stop, done = threading.Event(), threading.Event()
    errors = [ValueError("one"), RecursionError("two"), None, KeyError("three")]
    left, failures = iter(errors), []

    def step() -> None:
        try:
            error = next(left)
        except StopIteration:
            done.set()
            stop.wait()
            return
        if error:
            raise error

    repeat("story", step, stop, lambda name, error: failures.append((name, error)))
    assert done.wait(60)
    stop.set()
    assert failures == [("story", error) for error in errors if error]


def test_what_fails_after_the_end_is_no_failure() -> None:
    """A query that is ended by its owner."""
    stop, ended = threading.Event(), threading.Event()
    failures: list[str] = []

    def step() -> None:
        stop.set()
        ended.set()
        raise OSError("closed")

    repeat("story", step, stop, lambda name, _error: failures.append(name))
    assert ended.wait(60)
    [thread] = [each for each in threading.enumerate() if each.name == "story"] or [None]
    if thread:
        thread.join(60)
    assert failures == []
