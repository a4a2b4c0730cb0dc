"""The configurations to try, and validation of what consul-template and HAProxy write. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

# Names and contents of files.
Files = tuple[tuple[str, str], ...]
# HAProxy reads a folder in this order: defaults, settings from Consul's keys, the rest.
DEFAULTS, KEYS, BALANCER = "10-defaults.cfg", "20-keys.cfg", "30-balancer.cfg"
RESOLVERS = "15-resolvers.cfg"
CERTIFICATES = "certificates"
_REFUSED = "# refused: "
# A word of these characters can only be a value where the configuration expands the variable.
_KEY_LINE = re.compile(r"|global|  setenv ROLLCALL_[A-Z0-9_]{1,100} [a-z0-9]{1,16}|#[ -~]{0,600}")
# An address such as 0.0.0.0:80, :80 or [::]:80; what HAProxy knows beside these is left to HAProxy.
_BIND = re.compile(r"^ *bind +(?:([0-9.]*)|\[([0-9A-Fa-f:]+)\]):([0-9]+)(?= |$)", re.MULTILINE)
# New workers drop an instance of the state file that DNS has not confirmed in so many questions,
# two a second, and believe after as many that a name is unknown. 20 days are the most that fits.
_RETRIES, _HOLD_RETRIES = 2, 3_456_000
_NAMESERVER = re.compile(r"^ *nameserver \S+ \[?([0-9A-Fa-f.:]+?)\]?:([0-9]+)$", re.MULTILINE)
_RECORD = re.compile(r"^ *server-template \S+ [0-9]+ (_\S+\.service\.(\S+))$", re.MULTILINE)
_STATE_FIELDS = 25
_ADMIN, _SINCE = 6, 9
_FORCED_MAINTENANCE = 0x01


class InvalidSettings(Exception):
    """Settings that cannot be used; the message says why."""


@dataclasses.dataclass(frozen=True)
class CandidateSettings:
    """One configuration: the files of the role, their revision, and settings from the keys.

    The certificates' keys are among their files, so no representation shows them.
    """

    revision: str = ""
    defaults: str = ""
    balancer: str = ""
    keys: str = ""
    # Whether the instances before are held until Consul's DNS knows any.
    hold: bool = False
    certificates: Files = dataclasses.field(default=(), repr=False)

    def files(self) -> dict[str, str]:
        """The files of the configuration, by their path in its folder."""
        certificates = {f"{CERTIFICATES}/{name}": content for name, content in self.certificates}
        return {
            DEFAULTS: self.defaults,
            RESOLVERS: _resolvers(self.hold),
            KEYS: self.keys,
            BALANCER: self.balancer,
            **certificates,
        }


def _resolvers(hold: bool) -> str:
    retries = _HOLD_RETRIES if hold else _RETRIES
    return f"global\n  setenv HAPROXY_LB_RESOLVE_RETRIES {retries}\n"


def holds(resolvers: str) -> bool:
    """Whether a configuration with these resolvers holds the instances before."""
    return resolvers == _resolvers(True)


def resolver(settings: CandidateSettings) -> tuple[str, int, tuple[str, ...]] | None:
    """Address and port of Consul's DNS, and names that it knows where it knows its catalog."""
    nameserver, record = _NAMESERVER.search(settings.balancer), _RECORD.search(settings.balancer)
    if not nameserver or not record:
        return None
    return nameserver[1], int(nameserver[2]), (f"consul.service.{record[2]}", record[1])


def ports(settings: CandidateSettings) -> frozenset[tuple[str, int]]:
    """The addresses and ports on which it listens."""
    found = _BIND.findall(settings.balancer)
    return frozenset((ipv6 or ipv4 or "0.0.0.0", int(port)) for ipv4, ipv6, port in found)


def keys(rendered: str) -> str:
    """The settings that consul-template rendered from Consul's keys, "" for none.

    InvalidSettings for any other line. The comments about skipped keys are dropped, so that they
    cause no reload.
    """
    lines = rendered.splitlines()
    for line in lines:
        if not _KEY_LINE.fullmatch(line):
            raise InvalidSettings(f"{ascii(line)[:60]} is not a setting")
    settings = [line for line in lines if line.startswith("  setenv ")]
    return "\n".join(["global", *settings, ""]) if settings else ""


def refused(rendered: str) -> tuple[str, ...]:
    """The keys that the template has skipped, each with its reason."""
    lines = rendered.splitlines()
    return tuple(line.removeprefix(_REFUSED) for line in lines if line.startswith(_REFUSED))


def candidates(
    wanted: CandidateSettings, running: CandidateSettings
) -> Iterator[CandidateSettings]:
    """What to try, best first: an error in the files does not block the keys, nor vice versa."""
    tried = [running]
    for candidate in (
        wanted,
        dataclasses.replace(running, keys=wanted.keys, hold=wanted.hold),
        dataclasses.replace(wanted, keys=running.keys),
    ):
        if candidate not in tried:
            tried.append(candidate)
            yield candidate


def server_state(dump: str) -> str:
    """The output of `show servers state`, as the state file of the next process.

    Without forced maintenance: the guard sets it again where the address is still not allowed.
    """
    lines = []
    for line in dump.splitlines():
        words = line.split(" ")
        if len(words) == _STATE_FIELDS and words[0].isdigit():
            words[_ADMIN] = str(int(words[_ADMIN]) & ~_FORCED_MAINTENANCE)
            # The time since the last change, without which equal states are equal files.
            words[_SINCE] = "0"
        if line.strip():
            lines.append(" ".join(words))
    return "\n".join(lines) + "\n"
