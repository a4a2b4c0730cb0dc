"""What a folder imports besides the standard library and its own package.

`.importlinter` has the rules for the layers of each package.
"""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator

import pytest
from ansible_collections.rollcall.discovery.tests.support.suite.source import ROOT, parsed

OURS = "ansible_collections.rollcall.discovery.plugins.module_utils"
# The first pattern that fits counts; what fits none has the standard library alone.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "plugins/module_utils/_consul/transport/client.py": ("consul", "requests"),
    "plugins/module_utils/_docker/engine.py": ("docker",),
    "plugins/module_utils/_balancer/client.py": ("ansible.module_utils.urls",),
    "plugins/module_utils/_base/run_module.py": ("ansible.module_utils",),
    "plugins/module_utils/_base/library.py": ("ansible.module_utils",),
    "plugins/modules/*.py": ("ansible.module_utils", OURS),
    "plugins/action/*.py": ("ansible", "yaml", OURS),
    "plugins/filter/*.py": ("ansible", OURS),
    "plugins/lookup/*.py": ("ansible",),
    "plugins/inventory/*.py": ("ansible", OURS),
    "roles/images/files/docker_socket_proxy/src/*/*.py": ("rollcall_common",),
    "roles/images/files/haproxy_lb/src/*/supervisor.py": ("rollcall_common",),
    "roles/images/files/nginx_lb/src/nginx_lb/*.py": ("rollcall_common",),
    "roles/images/files/nginx_lb/src/nginx_lb/*/*.py": ("rollcall_common",),
    "roles/images/files/registrator/src/*/docker/source.py": ("docker", "requests"),
    "roles/images/files/registrator/src/*/*/*.py": ("rollcall_common",),
    "roles/images/files/registrator/src/*/cli.py": ("rollcall_common",),
    "roles/images/files/common/src/rollcall_common/consul_http.py": ("urllib3",),
    "roles/images/files/common/src/rollcall_common/unix_http.py": ("urllib3",),
    "roles/images/files/helloworld/src/helloworld.py": ("h11",),
    "roles/drill/files/rollcall_drills/observer/http_client.py": ("h11",),
}
FILES = sorted(
    path.relative_to(ROOT)
    for pattern in (
        *("plugins/**/*.py", "roles/images/files/*/src/**/*.py"),
        "roles/drill/files/rollcall_drills/**/*.py",
    )
    for path in ROOT.glob(pattern)
)


def foreign(path: pathlib.Path) -> Iterator[str]:
    """The modules a file imports by their full name, but for those of the standard library."""
    for node in ast.walk(parsed(ROOT / path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [str(node.module)]
        yield from (name for name in names if name.split(".")[0] not in sys.stdlib_module_names)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_the_libraries_of_its_folder(path: pathlib.Path) -> None:
    """An adapter has one library, and what decides has none."""
    allowed = next((each for pattern, each in LIBRARIES.items() if path.match(pattern)), ())
    unexpected = [
        name
        for name in foreign(path)
        if not any(f"{name}.".startswith(f"{library}.") for library in allowed)
    ]
    assert not unexpected


def test_each_library_is_imported() -> None:
    """A pattern whose files are gone does not stay in the table."""
    unused = [pattern for pattern in LIBRARIES if not any(path.match(pattern) for path in FILES)]
    assert not unused
