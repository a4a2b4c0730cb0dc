# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Python libraries on the target: found, else reached in the virtual environment of docker_host."""

from __future__ import annotations

import importlib.util
import os
import site
import sys
import typing as t

from ansible.module_utils.common.respawn import has_respawned, respawn_module

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# py-consul's. An older Python has at best a version of the libraries that we do not know.
FLOOR = (3, 10)
RUNNING = tuple(sys.version_info[:2])


def require(module: AnsibleModule, library: str) -> bool:
    """Make `library` importable, from the environment where the system's Python lacks it.

    A Python below the floor runs nothing itself: the environment may have a newer one.

    An environment of this very Python lends its packages; one of another version runs the module
    again. The first costs a folder in the path, the second a process and everything imported anew.

    Returns False in check mode where the library is nowhere: the host is still empty, and the run
    that is predicted would install it first. Fails the module in a real run.
    """
    environment = module.params["virtualenv"]
    if RUNNING >= FLOOR and _found(library, environment):
        return True
    python = os.path.join(environment, "bin", "python")
    if not has_respawned() and os.path.exists(python):
        respawn_module(python)
    # Before the environment is made, nobody can know which Python it will have.
    if RUNNING < FLOOR and not (module.check_mode and not has_respawned()):
        module.fail_json(
            msg=f"the Python library {library!r} needs Python {_text(FLOOR)} or later, and "
            f"{sys.executable} on this host is {_text(RUNNING)}: make {environment} with a newer "
            "one, name another environment in 'virtualenv' (the roles: docker_host_virtualenv), "
            "or set ansible_python_interpreter to a newer Python"
        )
    if module.check_mode:
        return False
    module.fail_json(
        msg=f"the Python library {library!r} is missing on this host, for the system's Python "
        f"and in {environment}: apply rollcall.discovery.docker_host first, or "
        "name the environment that has it in 'virtualenv'"
    )
    return False


def _found(library: str, environment: str) -> bool:
    """Whether this Python has the library, if need be among the packages of the environment."""
    if importlib.util.find_spec(library) is not None:
        return True
    packages = os.path.join(environment, "lib", f"python{_text(RUNNING)}", "site-packages")
    if not os.path.isdir(packages):
        return False
    site.addsitedir(packages)
    return importlib.util.find_spec(library) is not None


def _text(version: tuple[int, ...]) -> str:
    """A version as it is written."""
    return ".".join(map(str, version))
