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


def require(module: AnsibleModule, library: str) -> bool:
    """Make `library` importable, from the environment where the system's Python lacks it.

    An environment of this very Python lends its packages; one of another version runs the module
    again. The first costs a folder in the path, the second a process and everything imported anew.

    Returns False in check mode where the library is nowhere: the host is still empty, and the run
    that is predicted would install it first. Fails the module in a real run.
    """
    if importlib.util.find_spec(library) is not None:
        return True
    environment = module.params["virtualenv"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = os.path.join(environment, "lib", version, "site-packages")
    if os.path.isdir(packages):
        site.addsitedir(packages)
        if importlib.util.find_spec(library) is not None:
            return True
    python = os.path.join(environment, "bin", "python")
    if not has_respawned() and os.path.exists(python):
        respawn_module(python)
    if module.check_mode:
        return False
    module.fail_json(
        msg=f"the Python library {library!r} is missing on this host, for the system's Python "
        f"and in {module.params['virtualenv']}: apply rollcall.discovery.docker_host first, or "
        "name the environment that has it in 'virtualenv'"
    )
    return False
