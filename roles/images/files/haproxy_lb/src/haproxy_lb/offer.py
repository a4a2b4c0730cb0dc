"""What HAProxy is to run, and what of it may be believed. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

# HAProxy reads the files of a folder in this order: defaults, what Consul's keys say, the rest.
DEFAULTS, KEYS, BALANCER = "10-defaults.cfg", "20-keys.cfg", "30-balancer.cfg"
_REFUSED = "# refused: "
# One word of these characters is a value wherever the balancer's file names it, and nothing else.
_KEY_LINE = re.compile(r"|global|  setenv ROLLCALL_[A-Z0-9_]{1,100} [a-z0-9]{1,16}|#[ -~]{0,600}")
_STATE_FIELDS = 25
_ADMIN, _SINCE = 6, 9
_FORCED_MAINTENANCE = 0x01


class Unsound(Exception):
    """What cannot be used, in a sentence."""


@dataclasses.dataclass(frozen=True)
class Offer:
    """One configuration: what the role wrote, by its revision, and what Consul's keys say."""

    revision: str = ""
    defaults: str = ""
    balancer: str = ""
    keys: str = ""

    def files(self) -> dict[str, str]:
        """The files by their names."""
        return {DEFAULTS: self.defaults, KEYS: self.keys, BALANCER: self.balancer}


def keys(rendered: str) -> str:
    """The settings in what consul-template rendered of Consul's keys, "" for none.

    Unsound for a line that is none. What was skipped is no reason to load anything again.
    """
    lines = rendered.splitlines()
    for line in lines:
        if not _KEY_LINE.fullmatch(line):
            raise Unsound(f"{ascii(line)[:60]} is no setting")
    settings = [line for line in lines if line.startswith("  setenv ")]
    return "\n".join(["global", *settings, ""]) if settings else ""


def refused(rendered: str) -> tuple[str, ...]:
    """What the template has skipped, in its own words."""
    lines = rendered.splitlines()
    return tuple(line.removeprefix(_REFUSED) for line in lines if line.startswith(_REFUSED))


def candidates(wanted: Offer, running: Offer) -> Iterator[Offer]:
    """What to try, best first, until one is taken: bad words of one side stop only that side."""
    tried = [running]
    for offer in (
        wanted,
        dataclasses.replace(running, keys=wanted.keys),
        dataclasses.replace(wanted, keys=running.keys),
    ):
        if offer not in tried:
            tried.append(offer)
            yield offer


def server_state(dump: str) -> str:
    """HAProxy's own `show servers state`, fit to be the next process's beginning.

    Whom the guard has shut it will shut again by itself, and open when the address is another one.
    """
    lines = []
    for line in dump.splitlines():
        words = line.split(" ")
        if len(words) == _STATE_FIELDS and words[0].isdigit():
            words[_ADMIN] = str(int(words[_ADMIN]) & ~_FORCED_MAINTENANCE)
            # Else no two dumps were ever the same.
            words[_SINCE] = "0"
        if line.strip():
            lines.append(" ".join(words))
    return "\n".join(lines) + "\n"
