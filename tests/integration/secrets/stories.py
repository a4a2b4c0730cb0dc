"""Rows of runs on one desk each, and what they left for tests to look at."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
from typing import Any

from .authority import Authority
from .desk import HOSTS, Desk, Told, differing

TWO = {name: HOSTS[name] for name in ("alpha", "gamma")}
ONE = {"alpha": HOSTS["alpha"]}
# As few files as tell the story: each that is written takes half a second.
FEW: dict[str, Any] = {"common_tokens": ["bootstrap"], "tokens": ["agent-{{ secrets_node }}"]}


@dataclasses.dataclass(frozen=True)
class Stage:
    """What a run said, the names of the files that it changed, and a copy of what it left."""

    told: Told
    changed: set[str]
    left: pathlib.Path


def stage(desk: Desk, name: str, *arguments: str, **inputs: Any) -> Stage:
    """One run, with a copy of its end."""
    before = desk.files()
    told = desk.run(*arguments, **inputs)
    left = desk.folder / name
    shutil.copytree(desk.secrets, left)
    return Stage(told, differing(before, desk.files()), left)


@dataclasses.dataclass(frozen=True)
class Rotation:
    """The steps in their order, and what was refused between them."""

    before: pathlib.Path
    trusted: Stage
    at_rest: Stage
    hasty: Told
    renewed: Stage
    left_behind: Told
    forgotten: Stage


def rotation(desk: Desk) -> Rotation:
    """Rotate all there is, while beta is gone and nobody has removed its files at first."""
    two: dict[str, Any] = {
        "hosts": TWO,
        "common_tokens": ["bootstrap", "operator"],
        "tokens": FEW["tokens"],
    }
    before = desk.folder / "before"
    shutil.copytree(desk.secrets, before)
    trusted = stage(desk, "trusted", rotate=["ca", "gossip"], **two)
    at_rest = stage(desk, "at_rest", **two)
    hasty = desk.run(rotate=["ca", "tokens", "bootstrap"], forget_old_ca=True, **two)
    renewed = stage(desk, "renewed", rotate=["certificates", "tokens"], **two)
    left_behind = desk.run(forget_old_ca=True, **two)
    for kind in ("pem", "key"):
        (desk.secrets / "agents" / f"node-beta.{kind}").unlink()
    forgotten = stage(desk, "forgotten", forget_old_ca=True, rotate=["bootstrap"], **two)
    return Rotation(before, trusted, at_rest, hasty, renewed, left_behind, forgotten)


def renewal(desk: Desk) -> Stage:
    """Three certificates that will not do, and a file that others may read."""
    authority = Authority(desk.secrets)
    agents = desk.secrets / "agents"
    names = ["server.dc1.consul", "node-alpha.server.dc1.consul", "node-alpha", "localhost"]
    authority.leaf(agents / "node-alpha", [*names, "127.0.0.1", "192.0.2.11"], days=20, keep=True)
    shutil.copy(agents / "node-beta.key", agents / "node-gamma.key")
    (desk.secrets / "gossip.key").chmod(0o644)
    (desk.secrets / ".gitignore").unlink()
    moved = {
        **HOSTS,
        "beta": {**HOSTS["beta"], "secrets_addresses": ["192.0.2.99", "2001:db8::12"]},
    }
    return stage(desk, "done", hosts=moved)


@dataclasses.dataclass(frozen=True)
class Vault:
    """Without the password, and with it."""

    locked: Stage
    opened: Stage


def vault(desk: Desk) -> Vault:
    """First only alpha's key is in the vault; then it is gone, and the key that signs is there."""
    desk.vault("encrypt", "agents/node-alpha.key")
    locked = stage(desk, "locked", hosts=ONE, **FEW)
    desk.vault("encrypt", "ca.key")
    desk.vault("encrypt", "gossip.key")
    (desk.secrets / "agents" / "node-alpha.key").unlink()
    password = ("--vault-password-file", str(desk.folder / "password"))
    return Vault(locked, stage(desk, "opened", *password, hosts=ONE, **FEW))


@dataclasses.dataclass(frozen=True)
class OwnAuthority:
    """The first run with a CA that was there, and a dry run after it."""

    made: Stage
    again: Told


def own_authority(folder: pathlib.Path) -> OwnAuthority:
    """A CA of another curve and without key identifiers, as an old one may be."""
    desk = Desk(folder)
    Authority().put(desk.secrets)
    made = stage(desk, "made", hosts=ONE, **FEW)
    return OwnAuthority(made, desk.run("--check", hosts=ONE, **FEW))


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """Before somebody signed, and after."""

    missing: Stage
    signed: Stage


def elsewhere(folder: pathlib.Path) -> Elsewhere:
    """A CA whose key is elsewhere: it signs alpha's certificate with one more name."""
    desk = Desk(folder)
    authority = Authority()
    authority.put(desk.secrets, key=False)
    missing = stage(desk, "missing", hosts=ONE, **FEW)
    names = ["server.dc1.consul", "node-alpha.server.dc1.consul", "node-alpha", "localhost"]
    addresses = ["127.0.0.1", "192.0.2.11"]
    stem = desk.secrets / "agents" / "node-alpha"
    # It ends within secrets_renew_before_days, which is nothing that the role could mend.
    authority.leaf(stem, [*names, *addresses, "alpha.example.org"], days=20)
    return Elsewhere(missing, stage(desk, "signed", hosts=ONE, **FEW))


def refusals(folder: pathlib.Path) -> dict[str, Told]:
    """Everything that is wrong, as much in one run as can be told at once."""
    desk = Desk(folder)
    wrong = {
        "alpha": {**HOSTS["alpha"], "secrets_node": "../alpha"},
        "beta": {**HOSTS["beta"], "secrets_addresses": ["beta.example.org"]},
        "gamma": {**HOSTS["gamma"], "secrets_tokens": ["a/b"]},
    }
    text = desk.run(hosts=wrong)
    choices = {
        "alpha": {**HOSTS["alpha"], "secrets_kind": "leader"},
        "beta": {**HOSTS["beta"], "secrets_rotate": ["everything"]},
        "gamma": {"secrets_addresses": []},
    }
    typed = desk.run(hosts=choices)
    visible = desk.run(hosts=ONE, directory=str(desk.secrets.parent / "secrets"))
    assert not desk.secrets.exists()
    Authority().put(desk.secrets)
    Authority().put(desk.secrets, key=False)
    (desk.secrets / "gossip.key").write_text("too short\n")
    (desk.secrets / "tokens").mkdir()
    (desk.secrets / "tokens" / "dns").write_text("not a UUID\n")
    files = desk.run(hosts=ONE, leaf_days=30)
    return {"text": text, "typed": typed, "visible": visible, "files": files}
