"""The daemon's settings: Go's flag syntax, Docker's and Consul's environment."""

from __future__ import annotations

import dataclasses
import json
import re
import urllib.parse
from collections.abc import Mapping, Sequence


class UsageError(Exception):
    """A command line that cannot be parsed: exit status 2."""


class HelpRequested(Exception):
    """-h or -help: the usage, and exit status 0."""


class FatalError(Exception):
    """Settings that are invalid or contradict each other: exit status 1."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Every option, in upstream's units: seconds, but `retry_interval` in milliseconds.

    `registry` is the agent's address: http, https, or unix with the socket's path. With `kv` the
    services are keys below `kv_prefix` in Consul's key-value store.
    """

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
    hostname: str = ""
    docker_host: str = "unix:///tmp/docker.sock"
    docker_tls_verify: bool = False
    docker_cert_path: str = ""
    kv: bool = False
    kv_prefix: str = ""
    token: str = dataclasses.field(default="", repr=False)
    token_file: str = ""
    auth: str = dataclasses.field(default="", repr=False)
    tls_verify: bool = True
    ca_file: str = ""
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""
    tls_server_name: str = ""
    heartbeat: str = ""


# The values of -restore, and the upstream behaviour that each restores.
RESTORABLE = {
    "container-ip": "a container in a user-defined network registers its own address there",
    "tag-order": "tags are in reverse order",
}

_EXPLAIN = "registrator explain [options] <container | inspect.json | ->"
# Each flag's field and its usage text; a word in backquotes names the value, as in Go.
_FLAGS = {
    "ip": ("ip", "IP for ports mapped to the host"),
    "internal": ("internal", "Use internal ports instead of published ones"),
    "explicit": ("explicit", "Only register containers which have SERVICE_NAME label set"),
    "useIpFromLabel": (
        "use_ip_from_label",
        "Use IP which is stored in a label assigned to the container",
    ),
    "ttl": ("ttl", "TTL for services (default is no expiry)"),
    "ttl-refresh": ("ttl_refresh", "Frequency with which service TTLs are refreshed"),
    "tags": ("tags", "Append tags for all registered services"),
    "resync": ("resync", "Seconds between two full resyncs, 0 to disable"),
    "deregister": ("deregister", 'Deregister exited services "always" or "on-success"'),
    "retry-attempts": (
        "retry_attempts",
        "Max retry attempts to establish a connection with the backend. Use -1 for infinite"
        " retries",
    ),
    "retry-interval": ("retry_interval", "Interval (in millisecond) between retry-attempts."),
    "cleanup": ("cleanup", "Remove dangling services"),
    # The flags below do not exist in upstream.
    "script-checks": ("script_checks", "Allow checks that run a command on the agent's host"),
    "docker-health": ("docker_health", "Register a container's HEALTHCHECK as a TTL check"),
    "deregister-on-exit": ("deregister_on_exit", "Deregister all services when the daemon stops"),
    "dry-run": ("dry_run", "Print what one cycle would change without changing it, and exit"),
    "network": ("network", "Use a container's address on the Docker network with this `name`"),
    "restore": (
        "restore",
        f"Restore behaviour of upstream, a comma-separated `list` of {', '.join(RESTORABLE)}",
    ),
    "log-level": ("log_level", "Minimum log level: debug, info, warning or error"),
    "log-format": ("log_format", 'Log format: "text" or "json"'),
    "http": ("http", "Serve /metrics and /healthz on this `host:port` (default is off)"),
}
_TRUE = {"1", "t", "T", "true", "TRUE", "True"}
_FALSE = {"0", "f", "F", "false", "FALSE", "False"}
# strconv.ParseInt with base 0: a prefix or a leading zero selects the base, and single underscores
# may separate digits.
_INTEGER = re.compile(
    r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)"
)
_LARGEST = 2**63 - 1
_NETWORK = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_LISTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.]*\]|[^\[\]:/\s]*):(?P<port>[0-9]{1,5})")
_KV = ("consulkv", "consulkv-unix")
_BACKENDS = "consul, consul-tls, consul-unix, consulkv and consulkv-unix"
_HINTS = {
    "etcd": "for etcd use gliderlabs/registrator",
    "skydns2": "for SkyDNS use gliderlabs/registrator, or Consul's own DNS with consul://",
    "zookeeper": "for ZooKeeper use gliderlabs/registrator",
    "http": "for an agent over HTTP write consul://host:port",
    "https": "for an agent over TLS write consul-tls://host:port",
    "unix": "for an agent's socket write consul-unix://path",
}


def parse(argv: Sequence[str], environment: Mapping[str, str], hostname: str) -> Settings:
    """Parse the command line as Go's `flag` package does, and the environment.

    Raises HelpRequested (exit 0), UsageError (exit 2) for arguments that cannot be parsed, and
    FatalError (exit 1) for settings that are invalid or contradict each other.
    """
    values, arguments = _flags(argv)
    if not arguments:
        raise UsageError(f"Missing required argument for registry URI.\n\n{usage()}")
    if len(arguments) > 1:
        raise UsageError(
            f"Extra unparsed arguments:\n  {' '.join(arguments[1:])}\n"
            f"Options should come before the registry URI argument.\n\n{usage()}"
        )
    return _settings(values, arguments[0], environment, hostname)


def parse_explain(
    argv: Sequence[str], environment: Mapping[str, str], hostname: str
) -> tuple[Settings, str]:
    """Parse the arguments of `explain`: the daemon's flags, optionally the URI, and a container."""
    values, arguments = _flags(argv)
    if len(arguments) not in (1, 2):
        raise UsageError(f"usage: {_EXPLAIN}\n")
    uri = arguments[0] if len(arguments) == 2 else "consul:"
    return _settings(values, uri, environment, hostname), arguments[-1]


def usage() -> str:
    """The output of -h: every flag with its default, in the format of Go's PrintDefaults."""
    lines = ["Usage of registrator:", "  registrator [options] <registry URI>", f"  {_EXPLAIN}", ""]
    fields = {field.name: field for field in dataclasses.fields(Settings)}
    for flag, (name, text) in sorted(_FLAGS.items()):
        field = fields[name]
        value = {"bool": "", "int": "int"}.get(str(field.type), "string")
        if named := re.search(r"`(.+?)`", text):
            value = named[1]
        lines.append(f"  -{flag} {value}".rstrip())
        default = f" (default {_go(field.default)})" if field.default else ""
        lines.append(f"    \t{text.replace('`', '')}{default}")
    return "\n".join(lines) + "\n"


def _go(value: object) -> str:
    """A value as Go's %v prints it, a string as %q does."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _flags(argv: Sequence[str]) -> tuple[dict[str, object], list[str]]:
    """The flags' values by field, and the positional arguments."""
    types = {field.name: field.type for field in dataclasses.fields(Settings)}
    values: dict[str, object] = {}
    arguments = list(argv)
    while arguments and arguments[0].startswith("-") and arguments[0] != "-":
        argument = arguments.pop(0)
        if argument == "--":
            break
        bare = argument[2:] if argument.startswith("--") else argument[1:]
        if not bare or bare[0] in "-=":
            raise UsageError(f"bad flag syntax: {argument}\n{usage()}")
        flag, has_value, text = bare.partition("=")
        if flag not in _FLAGS:
            if flag in ("h", "help"):
                raise HelpRequested(usage())
            raise UsageError(f"flag provided but not defined: -{flag}\n{usage()}")
        name = _FLAGS[flag][0]
        if types[name] == "bool":
            values[name] = _boolean(flag, text if has_value else "true")
            continue
        if not has_value:
            if not arguments:
                raise UsageError(f"flag needs an argument: -{flag}\n{usage()}")
            text = arguments.pop(0)
        if types[name] == "frozenset[str]":
            values[name] = frozenset(part.strip() for part in text.split(",") if part.strip())
        else:
            values[name] = _integer(flag, text) if types[name] == "int" else text
    return values, arguments


def _settings(
    values: Mapping[str, object], uri: str, environment: Mapping[str, str], hostname: str
) -> Settings:
    """The settings from the flags, the URI and the environment, validated."""
    tls = bool(environment.get("DOCKER_TLS_VERIFY"))
    home = f"{environment.get('HOME', '')}/.docker" if tls else ""
    settings = Settings(
        hostname=hostname,
        docker_host=environment.get("DOCKER_HOST") or Settings.docker_host,
        docker_tls_verify=tls,
        docker_cert_path=environment.get("DOCKER_CERT_PATH") or home,
        token=environment.get("CONSUL_HTTP_TOKEN", ""),
        token_file=environment.get("CONSUL_HTTP_TOKEN_FILE", ""),
        auth=environment.get("CONSUL_HTTP_AUTH", ""),
        tls_verify=_switch(environment, "CONSUL_HTTP_SSL_VERIFY", default=True),
        ca_file=environment.get("CONSUL_CACERT", ""),
        ca_path=environment.get("CONSUL_CAPATH", ""),
        client_cert=environment.get("CONSUL_CLIENT_CERT") or environment.get("CONSUL_TLSCERT", ""),
        client_key=environment.get("CONSUL_CLIENT_KEY") or environment.get("CONSUL_TLSKEY", ""),
        tls_server_name=environment.get("CONSUL_TLS_SERVER_NAME", ""),
        heartbeat=environment.get("REGISTRATOR_HEARTBEAT", ""),
        **_registry(uri, environment),  # type: ignore[arg-type]  # strings and booleans by field
        **values,  # type: ignore[arg-type]  # parsed by the field's own type above
    )
    _validate(settings)
    return settings


def _validate(settings: Settings) -> None:
    if (settings.ttl > 0) != (settings.ttl_refresh > 0):
        raise FatalError("-ttl and -ttl-refresh must be specified together or not at all")
    if 0 < settings.ttl <= settings.ttl_refresh:
        raise FatalError("-ttl must be greater than -ttl-refresh")
    if settings.retry_interval <= 0:
        raise FatalError("-retry-interval must be greater than 0")
    if settings.deregister not in ("always", "on-success"):
        raise FatalError('-deregister must be "always" or "on-success"')
    if re.search(r"[\s/]", settings.ip):
        raise FatalError(f"-ip must be one address, not {_go(settings.ip)}")
    # Dropping the tags would change every service: fail before anything is written.
    if "{{" in settings.tags:
        raise FatalError("-tags is a Go template: only plain tags are supported")
    if unknown := sorted(settings.restore - RESTORABLE.keys()):
        raise FatalError(f"-restore supports {', '.join(RESTORABLE)}, not {', '.join(unknown)}")
    if settings.network and not _NETWORK.fullmatch(settings.network):
        raise FatalError(f"-network must be a Docker network name, not {_go(settings.network)}")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise FatalError('-log-level must be "debug", "info", "warning" or "error"')
    if settings.log_format not in ("text", "json"):
        raise FatalError('-log-format must be "text" or "json"')
    if settings.http:
        listen_address(settings.http)
    if bool(settings.client_cert) != bool(settings.client_key):
        raise FatalError("CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY must be set together")


def listen_address(text: str) -> tuple[str, int]:
    """The host and port of -http, as in Go: an empty host means every address."""
    match = _LISTEN.fullmatch(text)
    if match is None or int(match["port"]) > 65535:
        raise FatalError(f"-http must be host:port or :port, not {_go(text)}")
    return match["host"].strip("[]"), int(match["port"])


def _registry(uri: str, environment: Mapping[str, str]) -> dict[str, object]:
    """The agent's address in a registry URI, and the prefix of the key-value store."""
    scheme, colon, rest = uri.partition(":")
    rest = rest.removeprefix("//")
    if not colon or scheme not in ("consul", "consul-tls", "consul-unix", *_KV):
        hint = _HINTS.get(scheme, "write consul://host:port")
        raise FatalError(
            f"registry {uri}: unrecognized adapter {scheme if colon else uri!r}; "
            f"supported are {_BACKENDS}: {hint}"
        )
    found: dict[str, object] = {}
    if scheme in _KV:
        address, prefix = _split_prefix(rest, ":/" if scheme == "consulkv-unix" else "/")
        if not prefix:
            raise FatalError(f"registry {uri}: a key prefix is required, such as .../services")
        rest = address
        found = {"kv": True, "kv_prefix": prefix}
    if scheme.endswith("-unix"):
        if not rest.startswith("/"):
            raise FatalError(f"registry {uri}: the path of a socket must be absolute")
        return {**found, "registry": f"unix://{rest}"}
    tls = scheme == "consul-tls" or _switch(environment, "CONSUL_HTTP_SSL", default=False)
    rest = re.split(r"[/?#]", rest, maxsplit=1)[0]
    address = rest or environment.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
    return {**found, "registry": _agent(address, tls)}


def _split_prefix(rest: str, separator: str) -> tuple[str, str]:
    """The parts before and after the first separator, the latter without slashes around it."""
    address, _separator, prefix = rest.partition(separator)
    return address, prefix.strip("/")


def _agent(address: str, tls: bool) -> str:
    """The URL of an address as in CONSUL_HTTP_ADDR: host:port, or with http, https or unix."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "http", address
    if scheme == "unix":
        return address
    if scheme not in ("http", "https"):
        raise FatalError(f"CONSUL_HTTP_ADDR {address}: the protocol must be http, https or unix")
    if "@" in rest:
        raise FatalError("credentials in a registry URI are not supported: use CONSUL_HTTP_AUTH")
    try:
        parts = urllib.parse.urlsplit(f"//{rest}")
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or re.search(r"[\s\\%]", rest):
        raise FatalError(f"registry {address}: not a host and port")
    return f"{'https' if tls else scheme}://{rest.rstrip('/')}"


def _switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    """One of Consul's boolean variables."""
    text = environment.get(name, "")
    if not text:
        return default
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise FatalError(f"{name} must be true or false, not {_go(text)}")


def _boolean(flag: str, text: str) -> bool:
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise UsageError(f"invalid boolean value {_go(text)} for -{flag}: parse error\n{usage()}")


def _integer(flag: str, text: str) -> int:
    problem = "parse error"
    if _INTEGER.fullmatch(text):
        digits = text.replace("_", "").lower()
        if re.match(r"[+-]?0[0-7]", digits):
            digits = digits.replace("0", "0o", 1)
        value = int(digits, 0)
        if -_LARGEST - 1 <= value <= _LARGEST:
            return value
        problem = "value out of range"
    raise UsageError(f"invalid value {_go(text)} for flag -{flag}: {problem}\n{usage()}")
