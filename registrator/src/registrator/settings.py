"""The daemon's settings: Go's flag syntax, Docker's and Consul's environment."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Mapping, Sequence

USAGE = "Usage of registrator:\n  registrator [options] <registry URI>\n"


class UsageError(Exception):
    """A command line that cannot be meant: exit status 2."""


class FatalError(Exception):
    """Values that contradict each other: exit status 1."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Every option, in upstream's units: seconds, but `retry_interval` in milliseconds."""

    registry: str
    ip: str = ""
    internal: bool = False
    explicit: bool = False
    use_ip_from_label: str = ""
    ttl: int = 0
    ttl_refresh: int = 0
    tags: str = ""
    resync: int = 10
    deregister: str = "always"
    retry_attempts: int = -1
    retry_interval: int = 2000
    cleanup: bool = False
    script_checks: bool = False
    docker_health: bool = False
    deregister_on_exit: bool = False
    dry_run: bool = False
    network: str = ""
    restore: frozenset[str] = frozenset()
    log_level: str = "info"
    log_format: str = "text"
    http: str = ""
    docker_host: str = "unix:///tmp/docker.sock"
    hostname: str = ""
    token: str = ""
    token_file: str = ""


_FLAGS = {
    "ip": "ip",
    "internal": "internal",
    "explicit": "explicit",
    "useIpFromLabel": "use_ip_from_label",
    "ttl": "ttl",
    "ttl-refresh": "ttl_refresh",
    "tags": "tags",
    "resync": "resync",
    "deregister": "deregister",
    "retry-attempts": "retry_attempts",
    "retry-interval": "retry_interval",
    "cleanup": "cleanup",
    # Ours from here on: upstream knows none of them.
    "script-checks": "script_checks",
    "docker-health": "docker_health",
    "deregister-on-exit": "deregister_on_exit",
    "dry-run": "dry_run",
    "network": "network",
    "restore": "restore",
    "log-level": "log_level",
    "log-format": "log_format",
    "http": "http",
}
_TRUE = {"1", "t", "T", "true", "TRUE", "True"}
_FALSE = {"0", "f", "F", "false", "FALSE", "False"}


def parse(argv: Sequence[str], environment: Mapping[str, str], hostname: str) -> Settings:
    """Read the command line as Go's `flag` package does, and the environment.

    Raises UsageError (exit 2) for words that cannot be read and FatalError (exit 1) for values
    that contradict each other.
    """
    types = {field.name: field.type for field in dataclasses.fields(Settings)}
    values: dict[str, object] = {}
    words = list(argv)
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        flag, has_value, text = word.lstrip("-").partition("=")
        if flag not in _FLAGS:
            raise UsageError(f"flag provided but not defined: -{flag}\n{USAGE}")
        name = _FLAGS[flag]
        if types[name] == "bool":
            values[name] = _boolean(flag, text if has_value else "true")
            continue
        if not has_value:
            if not words:
                raise UsageError(f"flag needs an argument: -{flag}\n{USAGE}")
            text = words.pop(0)
        if types[name] == "frozenset[str]":
            values[name] = frozenset(part for part in text.split(",") if part)
            continue
        values[name] = _integer(flag, text) if types[name] == "int" else text
    if len(words) != 1:
        problem = "Missing required argument for registry URI." if not words else "Extra arguments."
        raise UsageError(f"{problem}\n{USAGE}")
    settings = Settings(
        registry=_registry(words[0], environment),
        docker_host=environment.get("DOCKER_HOST") or Settings.docker_host,
        hostname=hostname,
        token=environment.get("CONSUL_HTTP_TOKEN", ""),
        token_file=environment.get("CONSUL_HTTP_TOKEN_FILE", ""),
        **values,  # type: ignore[arg-type]  # read by the field's own type above
    )
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if (settings.ttl > 0) != (settings.ttl_refresh > 0) or 0 < settings.ttl <= settings.ttl_refresh:
        raise FatalError("-ttl and -ttl-refresh must both be set, and -ttl must be the greater")
    if settings.retry_interval <= 0:
        raise FatalError("-retry-interval must be greater than 0")
    if settings.deregister not in ("always", "on-success"):
        raise FatalError('-deregister must be "always" or "on-success"')


def _registry(uri: str, environment: Mapping[str, str]) -> str:
    """The agent's HTTP address behind a registry URI."""
    parts = urllib.parse.urlsplit(uri)
    schemes = {"consul": "http", "consul-tls": "https"}
    if parts.scheme not in schemes:
        raise FatalError(
            f"registry {uri}: unrecognized adapter {parts.scheme or uri!r}; "
            "this daemon speaks consul:// and consul-tls://"
        )
    address = parts.netloc or environment.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
    return f"{schemes[parts.scheme]}://{address.removeprefix('http://')}"


def _boolean(flag: str, text: str) -> bool:
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise UsageError(f'invalid boolean value "{text}" for -{flag}: parse error\n{USAGE}')


def _integer(flag: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f'invalid value "{text}" for flag -{flag}: parse error\n{USAGE}') from None
