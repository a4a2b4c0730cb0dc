"""The status pages, and what the control socket accepts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from rollcall_common.status_server import JSON, METRICS, Make, Page

from . import status_report
from .status_report import Report


class Source(Protocol):
    """The process that the pages describe; any thread may call it."""

    def report(self) -> Report:
        """The current state."""

    def stub_status(self) -> str | None:
        """The text of nginx's stub_status, None where nginx does not answer."""

    def accept(self, service: str) -> list[str]:
        """Accept the losses of a held service, "" for all; the names of those that were held."""


def pages(source: Source) -> dict[str, Make]:
    """What GET answers, by path."""

    def report(shape: Callable[[Report], dict[str, Any]]) -> Make:
        return lambda _parameters: Page(json.dumps(shape(source.report())) + "\n", JSON)

    return {
        "/healthz": report(status_report.health),
        "/status": report(status_report.status),
        "/instances": report(status_report.instances),
        "/metrics": lambda _: Page(
            status_report.metrics(source.report(), source.stub_status()), METRICS
        ),
        "/nginx_status": lambda _: Page(source.stub_status() or "", METRICS),
    }


def actions(source: Source) -> dict[str, Make]:
    """What POST does on the control socket: `/accept?service=` accepts the losses of a service."""

    def accept(parameters: Mapping[str, str]) -> Page:
        accepted = source.accept(parameters.get("service", ""))
        return Page(json.dumps({"accepted": accepted}) + "\n", JSON)

    return {"/accept": accept}
