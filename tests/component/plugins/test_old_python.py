"""On a target whose Python is too old, a module lives long enough to say so in one sentence."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess

import ansible.module_utils
import pytest
from ansible.module_utils import basic

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"


def old_pythons() -> list[str]:
    """Interpreters of this machine below our floor and above Ansible's, which says its own."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")
    minors = [f"3.{minor}" for minor in range(basic._PY_MIN[1], 10)]
    named = [shutil.which(f"python{minor}") for minor in minors]
    found = [
        str(path) for each in minors for path in sorted(pyenv.glob(f"versions/{each}.*/bin/python"))
    ]
    return [path for path in [*named, *found] if path and answers(path)]


def answers(python: str) -> bool:
    """Whether there is a Python behind the name: pyenv has one for those that it may not start."""
    command = [python, "-c", "import sys; sys.exit(sys.version_info >= (3, 10))"]
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0


PYTHONS = old_pythons()


@pytest.mark.skipif(not PYTHONS, reason="this machine has no Python so old that Ansible takes")
@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.rpartition("/bin/")[0])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("consul_acl", {}),
        ("consul_cluster_status", {}),
        ("consul_keyring", {"key": "QUJDREVGR0hJSktMTU5PUA=="}),
        ("consul_service", {"name": "web"}),
        ("container_set", {"owner": "shop", "containers": []}),
        ("registrator_audit", {"hostname": "host-1"}),
        ("registrator_container", {"hostname": "host-1"}),
        ("stack_info", {}),
    ],
)
def test_a_module_says_what_an_old_target_lacks(
    tmp_path: pathlib.Path, python: str, name: str, options: dict[str, str]
) -> None:
    """No traceback: the version, the floor, and what to do."""
    (tmp_path / "ansible").symlink_to(pathlib.Path(ansible.module_utils.__path__[0]).parent)
    package = tmp_path / "ansible_collections" / "rollcall" / "discovery"
    package.mkdir(parents=True)
    (package / "plugins").symlink_to(PLUGINS)
    done = subprocess.run(
        [python, "-m", f"ansible_collections.rollcall.discovery.plugins.modules.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "virtualenv": str(tmp_path)}}),
        env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not done.stderr
    assert done.returncode == 1
    message = json.loads(done.stdout)["msg"]
    assert "needs Python 3.10 or later" in message
    assert "ansible_python_interpreter" in message
