"""The module's options against the daemon's own flags: each has one, and means the same."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible_collections.rollcall.discovery.plugins.module_utils._docker.registrator import (
    FLAGS,
    command_line,
)

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "registrator"
IMAGES = ROOT / "roles/images/files"
SOURCES = os.pathsep.join(str(IMAGES / name / "src") for name in ("common", "registrator"))
# A dry run ends by itself: the restart policy of a container would start it again for ever.
NO_OPTION = {"dry-run"}
# Ours removes what dangles without being told, others only where they are told to.
OTHER_DEFAULT = {"cleanup"}
# Reads command lines as the daemon does: its settings, or its words on why it takes none.
READ = """
import dataclasses, json, sys
from registrator.domain.settings import FatalError, UsageError, parse
for argv in json.load(sys.stdin):
    try:
        found = dataclasses.asdict(parse(argv, {}, "host-1"))
        print(json.dumps(found, default=sorted))
    except (FatalError, UsageError) as error:
        print(json.dumps(str(error)))
"""


def python(*arguments: str, given: str = "") -> str:
    """What a Python that knows the daemon's package prints."""
    done = subprocess.run(
        [sys.executable, *arguments],
        input=given,
        env={**os.environ, "PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def flags() -> dict[str, str]:
    """Each flag of the daemon's help with its default, "" where none is told."""
    text = python("-m", "registrator", "-h")
    rows = re.findall(r"^  -(\S+).*\n    \t(.*)$", text, re.MULTILINE)
    defaults = {name: re.search(r'\(default "?([^"\s]+?)"?\)$', words) for name, words in rows}
    return {name: found[1] if found else "" for name, found in defaults.items()}


DAEMON = flags()


def given(**options: t.Any) -> list[str]:
    """The command line that the module makes of these options and its defaults."""
    defaults = {option: flag.argument.get("default") for option, flag in FLAGS.items()}
    return command_line(
        {**defaults, "extra_args": [], "registry_uri": "consul://127.0.0.1:8500", **options}
    )


def understood(*lines: list[str]) -> list[t.Any]:
    """What the daemon reads in each command line."""
    return [json.loads(line) for line in python("-c", READ, given=json.dumps(lines)).splitlines()]


def test_the_help_was_read() -> None:
    """An empty search would find an option for everything."""
    assert len(DAEMON) > 20
    assert (DAEMON["resync"], DAEMON["deregister"], DAEMON["ip"]) == ("10", "always", "")


def test_every_flag_has_its_option_and_every_option_its_flag() -> None:
    """A flag that the daemon learns, or forgets, is one here too."""
    assert {flag.name for flag in FLAGS.values()} == set(DAEMON) - NO_OPTION


@pytest.mark.parametrize("option", sorted(set(FLAGS) - OTHER_DEFAULT))
def test_an_options_default_is_the_daemons(option: str) -> None:
    """So nothing changes where an option is left off the command line."""
    default = FLAGS[option].argument.get("default")
    assert DAEMON[FLAGS[option].name] == ("" if default in (None, False, 0, []) else str(default))


def test_the_defaults_say_nothing_that_others_do_not_know() -> None:
    """gliderlabs/registrator v7 knows these three, with other defaults."""
    expected = ["-resync=10", "-retry-attempts=-1", "-cleanup", "consul://127.0.0.1:8500"]
    assert given() == expected


CHOSEN: dict[str, t.Any] = {
    "ip": "10.0.0.1",
    "use_ip_from_label": "address",
    "network": "shop_net",
    "tags": "a,b",
    "ttl": 30,
    "ttl_refresh": 10,
    "resync_seconds": 0,
    "deregister": "on-success",
    "retry_attempts": 0,
    "retry_interval": 500,
    "restore": ["container-ip", "tag-order"],
    "log_level": "debug",
    "log_format": "json",
    "http": "[::1]:9464",
    "internal": True,
    "explicit": True,
    "docker_health": True,
    "script_checks": True,
    "deregister_on_exit": True,
    "cleanup": True,
}


def test_the_daemon_understands_every_option_as_it_is_meant() -> None:
    """All of them at once, none with its default, read by the daemon's own parser."""
    (found,) = understood(given(**CHOSEN))
    renamed = {"resync_seconds": "resync"}
    assert set(CHOSEN) == set(FLAGS)
    assert {option: found[renamed.get(option, option)] for option in CHOSEN} == CHOSEN


CHOICES = [
    (option, choice, flag.argument["type"])
    for option, flag in FLAGS.items()
    for choice in flag.argument.get("choices", ())
]


def test_the_daemon_takes_every_choice_and_no_other() -> None:
    """What can be chosen here is what can be chosen there."""
    lines = [
        given(**{option: [choice] if kind == "list" else choice})
        for option, choice, kind in CHOICES
    ]
    assert len(lines) > 6
    assert [found for found in understood(*lines) if isinstance(found, str)] == []
    others = {option: kind for option, _choice, kind in CHOICES}
    wrong = [given(**{option: ["x"] if kind == "list" else "x"}) for option, kind in others.items()]
    assert all(isinstance(found, str) for found in understood(*wrong))


def role(*path: str) -> t.Any:
    """One of the role's files."""
    return yaml.safe_load(ROLE.joinpath(*path).read_text())


@pytest.mark.parametrize("option", FLAGS)
def test_the_role_has_every_option(option: str) -> None:
    """As an input of the same type, choices and default, handed to the module."""
    argument, name = FLAGS[option].argument, f"registrator_{option}"
    spec = role("meta", "argument_specs.yml")["argument_specs"]["main"]["options"][name]
    for key in ("type", "choices", "elements"):
        assert spec.get(key) == argument.get(key), key
    # An address of its own is the one thing that the role cannot guess.
    if not spec.get("required"):
        default = argument.get("default")
        assert spec["default"] == ("" if default is None else default)
    module = "rollcall.discovery.registrator_container"
    (task,) = [each for each in role("tasks", "run.yml") if module in each]
    assert task[module][option] == f"{{{{ {name} }}}}"
