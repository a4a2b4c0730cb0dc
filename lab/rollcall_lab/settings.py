"""What the lab is made of: frozen values, read from the command line or from the last `lab/up`."""

from __future__ import annotations

import argparse
import dataclasses
import ipaddress
import json
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = ROOT / ".lab"
CACHE = (
    pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rollcall"
)

NETWORK = "rollcall-lab"
SUBNET = ipaddress.ip_network("10.111.152.0/24")
REGISTRY_NAME = "rollcall-registry"
REGISTRY_ADDRESS = "10.111.152.2"
REGISTRY_PORT = 5000
LABEL = "rollcall.lab"

ENGINES = ("bookworm", "trixie", "sid")
MAX_HOSTS = 9
# The articles' three machines keep their addresses; the others follow in one row.
ARTICLE_ADDRESSES = {1: "10.111.152.136", 2: "10.111.152.135", 3: "10.111.152.168"}


@dataclasses.dataclass(frozen=True)
class Host:
    """One lab host: its number (1 to 9), address in the lab's network and Docker Engine's suite."""

    index: int
    engine: str

    @property
    def name(self) -> str:
        """The container's and the inventory's name, as `docker restart host-2` expects it."""
        return f"host-{self.index}"

    @property
    def address(self) -> str:
        """The IPv4 address inside the lab's network."""
        return ARTICLE_ADDRESSES.get(self.index, f"10.111.152.{140 + self.index}")


@dataclasses.dataclass(frozen=True)
class Settings:
    """The lab a person asked for: which hosts, and whether the stack is provisioned on them."""

    hosts: tuple[Host, ...]
    provision: bool = True
    only_environment: bool = False
    replace: bool = False
    only_images: bool = False

    @property
    def inventory(self) -> pathlib.Path:
        """The shipped inventory for this number of hosts: the articles' three steps."""
        step = {1: "single_host", 2: "two_hosts"}.get(len(self.hosts), "lab")
        return ROOT / "inventories" / step

    def save(self) -> None:
        """Remember the hosts, so that `lab/status` and a plain `lab/up` speak of the same lab."""
        STATE.mkdir(exist_ok=True)
        engines = [host.engine for host in self.hosts]
        (STATE / "settings.json").write_text(json.dumps({"engines": engines}) + "\n")


def saved() -> Settings | None:
    """The lab that `lab/up` made last, or None where none is remembered."""
    try:
        engines = json.loads((STATE / "settings.json").read_text())["engines"]
    except FileNotFoundError:
        return None
    return Settings(tuple(Host(index, engine) for index, engine in enumerate(engines, 1)))


def parse(argv: list[str], remembered: Settings | None) -> Settings:
    """Read `lab/up`'s options; what is not given stays as in `remembered`, or three trixie hosts.

    Exits with argparse's status 2 and a sentence when a value does not fit.
    """
    parser = argparse.ArgumentParser(
        prog="lab/up", description="From a fresh machine to the running stack on three hosts."
    )
    parser.add_argument(
        "--hosts", type=int, metavar="N", help=f"number of hosts, 1 to {MAX_HOSTS} (default 3)"
    )
    parser.add_argument(
        "--engine",
        action="append",
        default=[],
        metavar="[HOST=]SUITE",
        help="Docker Engine of all hosts or of one (host-2=sid): "
        "bookworm (20.10), trixie (26.1, the default) or sid (28.5)",
    )
    parser.add_argument(
        "--no-provision", action="store_true", help="start the hosts, do not run site.yml"
    )
    parser.add_argument(
        "--only-environment",
        action="store_true",
        help="start nothing: .venv and the collections, as machines of your own need them",
    )
    parser.add_argument(
        "--only-images",
        action="store_true",
        help="build or pull the images, start no host",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="remove the hosts that another checkout made, and all that runs on them",
    )
    options = parser.parse_args(argv)
    before = remembered.hosts if remembered else ()
    count = options.hosts if options.hosts is not None else (len(before) or 3)
    if not 1 <= count <= MAX_HOSTS:
        parser.error(f"--hosts {count}: the lab has 1 to {MAX_HOSTS} hosts")
    engines = {host.name: host.engine for host in before}
    for choice in options.engine:
        name, separator, suite = choice.rpartition("=")
        if suite not in ENGINES:
            parser.error(f"--engine {choice}: choose one of {', '.join(ENGINES)}")
        names = [f"host-{index}" for index in range(1, count + 1)]
        if separator and name not in names:
            parser.error(f"--engine {choice}: the hosts are {', '.join(names)}")
        engines.update(dict.fromkeys([name] if separator else names, suite))
    hosts = tuple(
        Host(index, engines.get(f"host-{index}", "trixie")) for index in range(1, count + 1)
    )
    return Settings(
        hosts,
        provision=not options.no_provision,
        only_environment=options.only_environment,
        replace=options.replace,
        only_images=options.only_images,
    )
