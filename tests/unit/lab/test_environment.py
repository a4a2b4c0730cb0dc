"""Packages are installed when the pins ask for it, and only then."""

from __future__ import annotations

import pathlib
import zipfile

import pytest
from rollcall_lab import environment
from rollcall_lab.progress import LabError


class Checkout:
    """A checkout whose pins can change; `installs` are the calls of pip, each with its files."""

    def __init__(self, root: pathlib.Path) -> None:
        """Two files of pins, an environment, and the collections in their place."""
        self.root = root
        self.installs: list[list[str]] = []
        for folder in ("requirements", ".venv", ".ansible/collections"):
            (root / folder).mkdir(parents=True)
        version = environment.ANSIBLE_WHEEL.partition("==")[2]
        self.unpacked = root / ".ansible" / "collections" / f".ansible-{version}"
        self.unpacked.write_text("\n".join(environment.COLLECTIONS))
        self.pin("control", "six==1.0\n")
        self.pin("dev", "pytest==1.0\n")

    def pin(self, name: str, text: str) -> None:
        """Write a file of pins."""
        (self.root / "requirements" / f"{name}.txt").write_text(text)

    def run(self, command: list[str], *, remedy: str) -> None:
        """Note what pip is to install."""
        assert remedy
        if "pip" in command:
            self.installs.append([pathlib.Path(word).stem for word in command if ".txt" in word])

    def ensure(self, *, dev: bool) -> list[list[str]]:
        """What this call installs."""
        self.installs.clear()
        assert environment.ensure(self.root, dev=dev) == self.root / ".venv"
        return self.installs


@pytest.fixture
def checkout(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout into which nothing was installed."""
    made = Checkout(tmp_path)
    monkeypatch.setattr(environment, "run", made.run)
    monkeypatch.setattr(environment, "output", lambda _command: None)
    return made


@pytest.mark.parametrize("dev", [True, False])
def test_a_second_call_installs_nothing(checkout: Checkout, dev: bool) -> None:
    """The pins have not changed."""
    assert checkout.ensure(dev=dev) == [["control", "dev"] if dev else ["control"]]
    assert checkout.ensure(dev=dev) == []


def test_what_the_checks_need_is_enough_for_the_controller(checkout: Checkout) -> None:
    """But not the other way round."""
    assert checkout.ensure(dev=False) == [["control"]]
    assert checkout.ensure(dev=True) == [["control", "dev"]]
    assert checkout.ensure(dev=False) == []


@pytest.mark.parametrize(("name", "plain"), [("control", [["control"]]), ("dev", [])])
def test_a_pin_that_moved_is_installed(
    checkout: Checkout, name: str, plain: list[list[str]]
) -> None:
    """There and back again: what counts is what was installed last."""
    checkout.ensure(dev=True)
    before = (checkout.root / "requirements" / f"{name}.txt").read_text()
    checkout.pin(name, before.replace("1.0", "2.0"))
    assert checkout.ensure(dev=False) == plain
    assert checkout.ensure(dev=True) == [["control", "dev"]]
    checkout.pin(name, before)
    assert checkout.ensure(dev=True) == [["control", "dev"]]


def test_tools_have_an_environment_of_their_own(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their pins go beside the checks' environment, and only when they changed."""
    monkeypatch.setattr(environment, "CACHE", checkout.root / "cache")
    (checkout.root / "cache" / "tools" / "docs").mkdir(parents=True)
    checkout.pin("docs", "sphinx==1.0\n")
    assert environment.tools(checkout.root, "docs") == checkout.root / "cache" / "tools" / "docs"
    assert checkout.installs == [["docs"]]
    environment.tools(checkout.root, "docs")
    assert checkout.installs == [["docs"]]
    assert checkout.ensure(dev=True) == [["control", "dev"]]


@pytest.fixture
def pythons(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What each Python says of its version, by its path; one is found by its name."""
    found = {"/bin/python3.12": "3.12\n"}
    monkeypatch.setenv("PYENV_ROOT", str(checkout.root / "pyenv"))
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(environment, "output", lambda command: found.get(command[0]))
    return found


@pytest.mark.usefixtures("pythons")
def test_another_core_has_an_environment_of_its_own(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the controller's other libraries, and what the tests run with; made once."""
    monkeypatch.setattr(environment, "CACHE", checkout.root / "cache")
    checkout.pin("control", "# The controller's.\nansible-core==2.19.14\nsix==1.0\n")
    checkout.pin("dev", "mypy==1.0\npytest==1.0\n")
    venv = checkout.root / "cache" / "core" / "2.17.14" / "python3.12"
    venv.mkdir(parents=True)
    assert environment.with_core(checkout.root, "2.17.14", "3.12") == venv
    pins = venv.with_name("python3.12.txt").read_text().split("\n")
    assert [pin for pin in pins if "==" in pin] == [
        "ansible-core==2.17.14",
        "six==1.0",
        "pytest==1.0",
    ]
    assert checkout.installs == [["python3.12"]]
    environment.with_core(checkout.root, "2.17.14", "3.12")
    assert checkout.installs == [["python3.12"]]


def test_a_python_of_pyenvs_is_found(checkout: Checkout, pythons: dict[str, str]) -> None:
    """Also where the name on the search path starts none."""
    path = checkout.root / "pyenv" / "versions" / "3.13.0" / "bin" / "python"
    path.parent.mkdir(parents=True)
    path.touch()
    pythons[str(path)] = "3.13\n"
    assert environment.interpreter("3.12") == "/bin/python3.12"
    assert environment.interpreter("3.13") == str(path)


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"3.13": True, "3.12": True}, "/bin/python3.13"),
        ({"3.13": False, "3.12": True}, "/bin/python3.12"),
        ({"3.11": True}, environment.sys.executable),
    ],
)
def test_the_newest_python_that_can_make_an_environment_is_taken(
    monkeypatch: pytest.MonkeyPatch, there: dict[str, bool], taken: str
) -> None:
    """It has the newest ansible-core; without one, the Python that runs the lab."""

    def says(command: list[str]) -> str | None:
        """Its version, or nothing where it imports the module venv."""
        python = command[0].removeprefix("/bin/python")
        if python not in there:
            return None
        if "venv" in command[-1]:
            return "" if there[python] else None
        return f"{python}\n"

    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(environment, "output", says)
    assert environment.newest() == taken


def test_a_python_that_is_missing_is_named(pythons: dict[str, str]) -> None:
    """One that answers to the name and is another is none."""
    pythons["/bin/python3.14"] = "3.12\n"
    with pytest.raises(LabError, match=r"no Python 3\.14"):
        environment.interpreter("3.14")


def test_a_collection_that_is_new_is_unpacked_beside_the_others(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a checkout that has the same wheel's others already."""
    monkeypatch.setattr(environment, "CACHE", checkout.root / "cache")
    wheels = checkout.root / "cache" / "wheels"
    wheels.mkdir(parents=True)
    name = environment.ANSIBLE_WHEEL.replace("==", "-")
    with zipfile.ZipFile(wheels / f"{name}-py3-none-any.whl", "w") as wheel:
        for folder in (*environment.COLLECTIONS, "ansible_collections/somebody/other/"):
            wheel.writestr(f"{folder}MANIFEST.json", "{}")
    checkout.unpacked.write_text("\n".join(environment.COLLECTIONS[1:]))
    checkout.ensure(dev=False)
    there = checkout.root.glob(".ansible/collections/ansible_collections/*/*/MANIFEST.json")
    assert {f"{path.parent.relative_to(checkout.unpacked.parent)}/" for path in there} == set(
        environment.COLLECTIONS
    )
    stamped = checkout.unpacked.stat().st_mtime_ns
    checkout.ensure(dev=False)
    assert checkout.unpacked.stat().st_mtime_ns == stamped
