"""Every check is a session: `nox --list` names them, `nox -s unit -- -k name -x` runs one.

What follows `--` goes to pytest, or to the program that a session is named for. The sessions share
the environment that `lab/up --only-environment` makes, with what the checks need on top.
Without ROLLCALL_TIER=all, tests that are marked `full` are left out; `-m full` chooses them.
"""

from __future__ import annotations

import os
import pathlib
import sys
import time

import nox
from nox.command import CommandFailed

ROOT = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT / "lab"), str(ROOT / "tests")]

from rollcall_lab.environment import activated, ensure  # noqa: E402  (the path comes first)
from rollcall_lab.settings import saved  # noqa: E402
from support.suite.cores import LINES  # noqa: E402
from support.suite.tiers import SOAK_SCENARIOS, SUITES, keeps, scenarios_of_tier  # noqa: E402

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "unit", "component"]

COLLECTIONS = ROOT / ".ansible" / "collections"
# The sources of the programs that become images.
IMAGES = sorted(ROOT.glob("roles/images/files/*/src"))
# The folders from which the packages of the checkout are imported; the program `registrator` of
# the benchmarks has the name of a package, and comes after it.
SOURCES = (
    *(ROOT / name for name in ("lab", "roles/drill/files")),
    *IMAGES,
    ROOT / "benchmarks",
)
UTILS = "ansible_collections.rollcall.discovery.plugins.module_utils"
EVERYTHING = os.environ.get("ROLLCALL_TIER") == "all"
SECURE = os.environ.get("ROLLCALL_PROFILE") == "secure"
# A lab that the full tier starts has an engine of another version on each host.
ENGINES = ("--engine", "host-2=bookworm", "--engine", "host-3=sid")


def run(session: nox.Session, program: str, *words: str, **variables: str) -> None:
    """Run a program of the environment, or of the checkout where it has a slash in its name."""
    venv = ensure(ROOT, dev=True)
    path = ROOT / program if "/" in program else venv / "bin" / program
    environment = {
        **activated(venv),
        "PYTHONPATH": str(COLLECTIONS),
        "MYPYPATH": str(COLLECTIONS),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Molecule folds what its commands print, and a reason would end in the middle.
        "COLUMNS": "300",
        # Molecule looks for a collection's scenarios below extensions/ unless it is told.
        "MOLECULE_GLOB": "molecule/*/molecule.yml",
    }
    session.run(str(path), *words, env={**environment, **variables}, external=True)


def pytest(session: nox.Session, suite: str, *options: str) -> None:
    """Run a suite, or those of its tests that the session's arguments choose.

    pytest ends with status 5 where they choose none, and the session fails.
    """
    tier = () if EVERYTHING else ("-m", "not full")
    named = any((ROOT / word.partition("::")[0]).exists() for word in session.posargs)
    run(session, "pytest", *options, *tier, *(() if named else SUITES[suite]), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff, import-linter, yamllint, ansible-lint (profile production), the workflow's schema."""
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")
    packages = os.pathsep.join(map(str, (COLLECTIONS, *SOURCES)))
    run(session, "lint-imports", "--no-cache", PYTHONPATH=packages)
    run(session, "yamllint", "--strict", ".")
    workflows = [str(path) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
    schema = ("--builtin-schema", "vendor.github-workflows")
    run(session, "check-jsonschema", *schema, *workflows)
    run(session, "ansible-lint", "--offline", "-q")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict, for all that we own."""
    packages = (
        *("lab/rollcall_lab", "lab/rollcall_agents", "benchmarks/rollcall_bench"),
        "roles/drill/files/rollcall_drills",
        *(str(path) for source in IMAGES for path in sorted(source.glob("[!_]*"))),
    )
    for each in packages:
        run(session, "mypy", each, *session.posargs)
    utils = sorted(path.name for path in (ROOT / "plugins/module_utils").glob("_*/"))
    parts = [word for name in utils if name != "__pycache__" for word in ("-p", f"{UTILS}.{name}")]
    run(session, "mypy", *parts, *session.posargs)


@nox.session
def unit(session: nox.Session) -> None:
    """What is pure or fakes its edge, the architecture, and the suites themselves."""
    pytest(session, "unit", "-n", "2", "--dist", "worksteal")


@nox.session
def component(session: nox.Session) -> None:
    """What starts processes, playbooks, agents or servers."""
    pytest(session, "component", "-n", "2", "--dist", "worksteal")


@nox.session
def integration(session: nox.Session) -> None:
    """Real Consul agents, balancers in containers, and the secrets that the role makes."""
    run(session, "lab/up", "--only-images")
    # They wait for most of their time.
    pytest(session, "integration", "-n", "4", "--dist", "loadgroup")


@nox.session
def docs(session: nox.Session) -> None:
    """The site builds without a warning, links resolve, every command in a document exists."""
    pytest(session, "docs")


@nox.session
def package(session: nox.Session) -> None:
    """What ships: content, size, two equal builds, galaxy-importer, a foreign project."""
    pytest(session, "package")


@nox.session
def sanity(session: nox.Session) -> None:
    """ansible-test sanity without ignores, on the newest ansible-core."""
    run(session, "tests/sanity/run", *session.posargs)


@nox.session
@nox.parametrize("line", [nox.param(line, id=line) for line in LINES])
def core(session: nox.Session, line: str) -> None:
    """Sanity, the plugins' unit tests and what depends on ansible-core, on each line of it."""
    run(session, "lab/up", "--only-images")
    run(session, "tests/sanity/run", "all", "--core", line, "-n", "2", *session.posargs)


@nox.session
def lab(session: nox.Session) -> None:
    """Modules, roles and playbooks on the lab's three hosts."""
    start_lab(session, provision=True)
    pytest(session, "lab")


@nox.session
def scenarios(session: nox.Session) -> None:
    """Molecule's scenarios on the lab's hosts, one after the other; names choose some."""
    start_lab(session)
    chosen = session.posargs or scenarios_of_tier(everything=EVERYTHING, secure=SECURE)
    play(session, list(chosen))


@nox.session
def soak(session: nox.Session) -> None:
    """What takes minutes: faults for as long as users would bear them, churn, a long fuzz."""
    # Arguments choose among pytest's; a scenario has its name in the session `scenarios`.
    if not session.posargs:
        start_lab(session)
        play(session, SOAK_SCENARIOS)
    pytest(session, "soak")


@nox.session
def tutorial(session: nox.Session) -> None:
    """Every command of docs/tutorial.md: it begins and ends without a lab."""
    pytest(session, "tutorial")


def start_lab(session: nox.Session, *, provision: bool = False) -> None:
    """Start the hosts, unless they are up."""
    bare = () if provision else ("--no-provision",)
    run(session, "lab/up", *bare, *(ENGINES if EVERYTHING and saved() is None else ()))


def play(session: nox.Session, names: list[str] | tuple[str, ...]) -> None:
    """Run scenarios in a row, the others also where one fails.

    What a drill has healed needs no site.yml: the next scenario takes the lab as it is.
    """
    failed, kept = [], False
    for name in names:
        began = time.monotonic()
        variables = {"ROLLCALL_CONVERGE": "kept"} if kept and keeps(name) else {}
        try:
            run(session, "molecule", "test", "--scenario-name", name, **variables)
            kept = keeps(name)
        except CommandFailed:
            failed.append(name)
            kept = False
        result = "FAILED" if name in failed else "ok"
        session.log(f"scenario {name}: {result}, {time.monotonic() - began:.0f} s")
    if failed:
        session.error(f"failed: {', '.join(failed)}")
