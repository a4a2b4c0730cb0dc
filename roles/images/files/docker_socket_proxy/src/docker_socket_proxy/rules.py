"""Which requests are allowed: five endpoints, by method, path and query. Pure."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from rollcall_common.json_text import decoded

from .request_parser import Request

_MOST_PARAMETERS = 8


class Kind(enum.Enum):
    """The endpoint of a request."""

    PING = "/_ping"
    VERSION = "/version"
    EVENTS = "/events"
    LIST = "/containers/json"
    INSPECT = "/containers/{id}/json"


class Forbidden(Exception):
    """A request that is not forwarded to the engine; `kind` is one of few, for the log."""

    def __init__(self, reason: str, kind: str) -> None:
        """The reason is shown to the client: it holds no word of the client's."""
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One endpoint: its methods, its path, and the parameters that the daemon's client sends.

    `fixed` has parameters, each with the one value it may have; `filters` has filters, each with a
    word that may stand in it.
    """

    kind: Kind
    path: re.Pattern[str]
    methods: frozenset[str] = frozenset({"GET"})
    fixed: frozenset[tuple[str, str]] = frozenset()
    filters: frozenset[tuple[str, str]] = frozenset()


@dataclasses.dataclass(frozen=True)
class EngineRequest:
    """What the engine is asked, built anew: nothing that the client sent is forwarded as it is."""

    kind: Kind
    target: str
    # To HEAD the engine is asked with GET; only the answer has no body.
    headless: bool = False


def _path(pattern: str) -> re.Pattern[str]:
    # No part of it can match "%", "//" or a name that begins with a dot.
    return re.compile(rf"(?:/v[0-9]{{1,2}}\.[0-9]{{1,3}})?{pattern}")


ENDPOINTS = (
    Endpoint(Kind.PING, _path("/_ping"), methods=frozenset({"GET", "HEAD"})),
    Endpoint(Kind.VERSION, _path("/version")),
    Endpoint(Kind.EVENTS, _path("/events"), filters=frozenset({("type", "container")})),
    Endpoint(
        Kind.LIST,
        _path("/containers/json"),
        fixed=frozenset({("all", "0"), ("limit", "-1"), ("size", "0"), ("trunc_cmd", "0")}),
        filters=frozenset({("status", "running"), ("status", "paused")}),
    ),
    # Docker's grammar for a container's name, of which every identifier is one, too.
    Endpoint(Kind.INSPECT, _path("/containers/[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}/json")),
)
_METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE")
)
# The Engine API's own first path segments: what the log distinguishes.
_FAMILIES = frozenset(
    (
        *("auth", "build", "commit", "configs", "containers", "distribution", "events", "exec"),
        *("grpc", "images", "info", "networks", "nodes", "plugins", "secrets", "services"),
        *("session", "swarm", "system", "tasks", "version", "volumes", "_ping"),
    )
)
_PLAIN_PATH = re.compile(r"(?:/v[0-9.]+)?/([a-z_]+)(?:/.*)?")


def decide(request: Request) -> EngineRequest:
    """The request to the engine; Forbidden for all but what is listed above."""
    path, mark, query = request.target.partition("?")
    for endpoint in ENDPOINTS:
        if request.method in endpoint.methods and endpoint.path.fullmatch(path):
            asked = _filters(endpoint, query) if mark else {}
            return EngineRequest(
                endpoint.kind, _target(endpoint, path, asked), request.method == "HEAD"
            )
    method = request.method if request.method in _METHODS else "another method"
    family = _PLAIN_PATH.fullmatch(path)
    known = family is not None and family[1] in _FAMILIES
    raise Forbidden(
        "docker-socket-proxy: this request is not allowed; "
        f"allowed are GET {', '.join(kind.value for kind in Kind)}",
        f"{method} /{family[1]}" if family and known else f"{method} another path",
    )


def _target(endpoint: Endpoint, path: str, asked: Mapping[str, list[str]]) -> str:
    if endpoint.kind is Kind.EVENTS:
        # Events of other types would be filtered out anyway.
        asked = {"type": ["container"]}
    return f"{path}?filters={quote(json.dumps(asked), safe='')}" if asked else path


def _filters(endpoint: Endpoint, query: str) -> dict[str, list[str]]:
    """The filters of a query; Forbidden for a parameter or a value that the daemon never sends."""
    refusal = Forbidden(
        f"docker-socket-proxy: a parameter of this request to {endpoint.kind.value} is not allowed",
        f"parameters of {endpoint.kind.value}",
    )
    try:
        pairs = parse_qsl(
            query,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
        asked = decoded(dict(pairs).get("filters", "{}"))
    except ValueError:
        raise refusal from None
    fixed = {pair for pair in pairs if pair[0] != "filters"}
    allowed = (
        len(dict(pairs)) == len(pairs)
        and fixed <= endpoint.fixed
        and (len(fixed) == len(pairs) or bool(endpoint.filters))
        and isinstance(asked, dict)
        and all(_filter_allowed(endpoint, name, words) for name, words in asked.items())
    )
    if not allowed:
        raise refusal
    return {name: sorted(words) for name, words in sorted(asked.items())}


def _filter_allowed(endpoint: Endpoint, name: str, words: object) -> bool:
    """Whether a filter is a list of allowed values, each once."""
    if not isinstance(words, list) or not words or any(not isinstance(word, str) for word in words):
        return False
    return len(words) == len(set(words)) and {(name, word) for word in words} <= endpoint.filters
