# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Finds Python libraries on the target, else in the virtual environment of role docker_host."""

from __future__ import annotations

import importlib.util
import os
import site
import sys
import typing as t

from ansible.module_utils.common.respawn import has_respawned, respawn_module

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# The minimum of py-consul.
MINIMUM = (3, 10)
RUNNING = tuple(sys.version_info[:2])


def require(module: AnsibleModule, library: str) -> bool:
    """Make `library` importable, if necessary from the virtual environment.

    A Python below the minimum never runs the module itself: the environment may have a newer one.

    Packages of an environment with the same Python version are added to the path. With another
    version the module is respawned there, which costs a process.

    Returns False in check mode if the library is not installed: the real run would install it
    first. Fails the module in a real run.
    """
    environment = module.params["virtualenv"]
    if RUNNING >= MINIMUM and _found(library, environment):
        return True
    python = os.path.join(environment, "bin", "python")
    if not has_respawned() and os.path.exists(python):
        respawn_module(python)
    # Without an environment its Python version is unknown.
    if RUNNING < MINIMUM and not (module.check_mode and not has_respawned()):
        module.fail_json(
            msg=f"the Python library {library!r} needs Python {_text(MINIMUM)} or later, and "
            f"{sys.executable} on this host is {_text(RUNNING)}: create {environment} with a newer "
            "one, set another environment in 'virtualenv' (the roles: docker_host_virtualenv), "
            "or set ansible_python_interpreter to a newer Python"
        )
    if module.check_mode:
        return False
    module.fail_json(
        msg=f"the Python library {library!r} is missing on this host, for the system's Python "
        f"and in {environment}: apply rollcall.discovery.docker_host first, or "
        "set 'virtualenv' to an environment that has it"
    )
    return False


def _found(library: str, environment: str) -> bool:
    """Whether this Python can import the library, with the packages of the environment."""
    if importlib.util.find_spec(library) is not None:
        return True
    packages = os.path.join(environment, "lib", f"python{_text(RUNNING)}", "site-packages")
    if not os.path.isdir(packages):
        return False
    site.addsitedir(packages)
    return importlib.util.find_spec(library) is not None


def _text(version: tuple[int, ...]) -> str:
    """A version as a string."""
    return ".".join(map(str, version))
