"""The commands that documents tell, and what the sources say of each.

`problem` returns what is wrong with a command. A program that is not in the table is wrong.
"""

from __future__ import annotations

import itertools
import pathlib
import re
import shlex
import sys
from collections.abc import Callable, Iterator

import yaml
from ansible_collections.rollcall.discovery.tests.support.suite.cores import LINES
from ansible_collections.rollcall.discovery.tests.support.suite.tiers import SCENARIOS, SESSIONS

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "lab"))

from rollcall_lab import settings  # noqa: E402  (the path comes first)

DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "roles").glob("*/README.md")),
    ROOT / "roles/drill/files/README.md",
)
NAME = "rollcall.discovery"
# What a reader makes, or puts in place of a name.
THEIRS = {"inventories/mine", "hosts.yml", "rollcall-discovery-1.0.0.tar.gz"}
HOSTS = {f"host-{number}" for number in range(1, settings.MAX_HOSTS + 1)}
# What may stand before a command.
VARIABLES = {"ROLLCALL_PROFILE", "ROLLCALL_TIER"}
PLAYBOOK_OPTIONS = {"--check", "--diff", "--syntax-check", "--list-tasks"}


def blocks(path: pathlib.Path) -> Iterator[str]:
    """The fenced blocks of shell in a document."""
    found = re.finditer(r"^( *)```(?:sh|bash|console)\n(.*?)^\1```", path.read_text(), re.M | re.S)
    yield from (match[2] for match in found)


def commands(path: pathlib.Path) -> Iterator[list[str]]:
    """Every command of a document, in words."""
    for block in blocks(path):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            start = 0
            for end, word in enumerate([*words, "&&"]):
                if word in ("&&", "|", ";") and words[start:end]:
                    yield words[start:end]
                if word in ("&&", "|", ";"):
                    start = end + 1


def problem(words: list[str]) -> str:
    """What is wrong with a command, empty where nothing is."""
    given = re.match(r"(\w+)=", words[0])
    if given and given[1] in VARIABLES and words[1:]:
        words = words[1:]
    program, arguments = words[0], words[1:]
    check = TABLE.get(program)
    if check is None:
        return f"{program} is in no table of commands"
    return check(arguments)


def inputs() -> set[str]:
    """Every variable that a role or a playbook takes."""
    found = set()
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        found |= set(yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"])
    sources = (ROOT / "playbooks").rglob("*.yml"), (ROOT / "roles").glob("*/defaults/main.yml")
    text = "".join(path.read_text() for paths in sources for path in paths)
    return found | set(re.findall(r"\brollcall_\w+\b|\bdrill_\w+\b", text))


def exists(*paths: str) -> str:
    """Wrong where a file of the checkout is not there."""
    missing = [each for each in paths if each not in THEIRS and not (ROOT / each).exists()]
    return f"there is no {', '.join(missing)}" if missing else ""


def playbook(arguments: list[str]) -> str:
    """A playbook that exists, inventories that exist, variables that somebody takes."""
    name = arguments[0]
    if name.startswith(f"{NAME}."):
        name = f"playbooks/{name.removeprefix(f'{NAME}.').replace('.', '/')}.yml"
    problems = [exists(name)]
    rest = iter(arguments[1:])
    for word in rest:
        if word == "-i":
            problems.append(exists(next(rest)))
        elif word == "-e":
            given = next(rest)
            names = (
                set(yaml.safe_load(given))
                if given.startswith("{")
                else {pair.partition("=")[0] for pair in given.split()}
            )
            problems += [f"nobody takes {each}" for each in sorted(names - inputs())]
        elif word not in PLAYBOOK_OPTIONS:
            problems.append(f"ansible-playbook is not known to take {word}")
    return "; ".join(filter(None, problems))


def lab_up(arguments: list[str]) -> str:
    """Options that lab/up reads."""
    try:
        settings.parse(arguments, None)
    except SystemExit:
        return f"lab/up does not take {arguments}"
    return ""


def tests_run(arguments: list[str]) -> str:
    """Sessions and scenarios that there are; what follows `--` is pytest's."""
    names = set(itertools.takewhile(lambda word: word != "--", arguments))
    return ", ".join(f"no check {each}" for each in names - {"all", *SESSIONS, *SCENARIOS})


def nox(arguments: list[str]) -> str:
    """A session that there is, and scenarios behind that one; or their list."""
    if arguments == ["--list"]:
        return ""
    if arguments[:1] != ["-s"]:
        return f"nox {arguments} is not known"
    scenarios = arguments[3:] if arguments[1] == "scenarios" else []
    known = {*SESSIONS, *(f"core({line})" for line in LINES), *SCENARIOS}
    return ", ".join(f"no session {each}" for each in {arguments[1], *scenarios} - known)


def molecule(arguments: list[str]) -> str:
    """A scenario that there is."""
    if arguments[:1] != ["test"]:
        return f"molecule {arguments} is not known"
    return exists(*(f"molecule/{each}/molecule.yml" for each in arguments[1:] if each != "-s"))


def galaxy(arguments: list[str]) -> str:
    """Installing the artefact."""
    if arguments[:2] == ["collection", "install"] and set(arguments[3:]) <= {"--offline"}:
        return exists(arguments[2])
    return f"ansible-galaxy {arguments} is not known"


def vault(arguments: list[str]) -> str:
    """A secret of theirs, encrypted."""
    theirs = all(each.startswith("inventories/mine/.secrets/") for each in arguments[1:])
    if arguments[0] == "encrypt" and arguments[1:] and theirs:
        return ""
    return f"ansible-vault {arguments} is not known"


def docker(arguments: list[str]) -> str:
    """A container, or a host of the lab, that the playbooks name."""
    known = HOSTS | {"consul-server", "registrator", "nginx-lb", "haproxy-lb"}
    verb, rest = arguments[0], arguments[1:]
    if verb == "run":
        own = [word for word in rest if word.startswith("rollcall/")]
        return "" if own == ["rollcall/registrator:1.0.0"] else "docker run of what is not ours"
    if verb not in ("exec", "kill", "logs", "restart", "start", "stop"):
        return f"docker {verb} is not known"
    names = [word for word in rest if word in known]
    return "" if names else f"docker {verb} of no container that we know"


def ssh(arguments: list[str]) -> str:
    """A host of the lab, and a command there that is right too."""
    if arguments[:2] != ["-F", ".lab/ssh/config"] or arguments[2] not in HOSTS:
        return f"ssh {arguments} is not the lab's"
    return problem(arguments[3:]) if arguments[3:] else ""


def curl(arguments: list[str]) -> str:
    """The page, a web container's health, or Consul, at an address of the lab."""
    addresses = "|".join(map(re.escape, settings.ARTICLE_ADDRESSES.values()))
    right = re.fullmatch(rf"http://({addresses})(:\d+/(health|v1/\S+)|/)", arguments[-1])
    return "" if right else f"curl {arguments} is not the lab's"


def documented(arguments: list[str]) -> str:
    """A plugin or a role of ours."""
    kind, name = (arguments[1], arguments[2]) if arguments[0] == "-t" else ("module", arguments[0])
    folder = (
        "roles" if kind == "role" else "plugins/modules" if kind == "module" else f"plugins/{kind}"
    )
    stem = name.removeprefix(f"{NAME}.")
    return exists(f"{folder}/{stem}" + ("" if kind == "role" else ".py"))


def drill(arguments: list[str]) -> str:
    """A command of the probe, with options that it has."""
    source = (ROOT / "roles/drill/files/rollcall_drills/cli.py").read_text()
    wrong = [each for each in arguments if each.startswith("--") and f'"{each}"' not in source]
    if f'"{arguments[0]}"' not in source:
        wrong.insert(0, arguments[0])
    return f"roles/drill/files/drill does not know {', '.join(wrong)}" if wrong else ""


def of_checkout(program: str) -> Callable[[list[str]], str]:
    """A program of the checkout with files as arguments."""
    return lambda arguments: exists(program, *(each for each in arguments if "/" in each))


def consul(arguments: list[str]) -> str:
    """The members, or a key that the HAProxy balancer reads."""
    if arguments == ["members"]:
        return ""
    verb, key = arguments[:2], arguments[2] if len(arguments) > 2 else ""
    role = yaml.safe_load((ROOT / "roles" / "haproxy_lb" / "vars" / "main.yml").read_text())
    known = {name for each in role["__haproxy_lb_key_patterns"] for name in each["settings"]}
    right = re.fullmatch(r"rollcall/haproxy/[a-z-]+/([a-z_]+)", key)
    if verb in (["kv", "put"], ["kv", "delete"]) and right and right[1] in known:
        return ""
    return f"consul {arguments} is not known"


def sanity(arguments: list[str]) -> str:
    """All of it, or a part, on the ansible-core of .venv or on another."""
    core = next((pair for pair in itertools.pairwise(arguments) if pair[0] == "--core"), ())
    if core and core[1] not in LINES:
        return f"there is no ansible-core {core[1]}"
    rest = tuple(word for word in arguments if word not in core)
    known = {(), ("--test", "validate-modules"), ("units",), ("tests", "-k", "gossip")}
    return "" if rest in known else f"tests/sanity/run {arguments} is not known"


def exactly(*allowed: tuple[str, ...]) -> Callable[[list[str]], str]:
    """A program that is told with these arguments only."""
    return lambda arguments: "" if tuple(arguments) in allowed else f"{arguments} is not known"


TABLE: dict[str, Callable[[list[str]], str]] = {
    ".": exactly((".venv/bin/activate",)),
    "ansible-doc": documented,
    "ansible-galaxy": galaxy,
    "ansible-playbook": playbook,
    "ansible-vault": vault,
    "benchmarks/balancer.py": exactly((), ("follow",), ("pass",), ("route",)),
    "benchmarks/provision.py": of_checkout("benchmarks/provision.py"),
    "benchmarks/registrator.py": of_checkout("benchmarks/registrator.py"),
    "consul": consul,
    "cp": exactly(("-r", "inventories/example", "inventories/mine")),
    "curl": curl,
    "docker": docker,
    "docs/build": exactly(()),
    "docs/pictures/draw": exactly(()),
    "roles/drill/files/drill": drill,
    "git": exactly(("add", ".")),
    "lab/down": exactly((), ("--purge",)),
    "lab/status": exactly(()),
    "lab/up": lab_up,
    "molecule": molecule,
    "nox": nox,
    "pre-commit": exactly(("install",)),
    "sleep": lambda arguments: "" if arguments[0].isdigit() else "sleep how long",
    "ssh": ssh,
    "tests/package/build": exactly((), (".",)),
    "tests/package/changelog": exactly(()),
    "tests/run": tests_run,
    "tests/sanity/run": sanity,
}
