# Copyright (c) 2026 rollcall contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: this file may change without notice.
"""Runs a module and turns its errors into fail_json."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def run_module(
    module: AnsibleModule,
    run: t.Callable[[AnsibleModule], dict[str, t.Any]],
    *errors: type[Exception],
) -> None:
    """Exit with the result of `run`; one of these errors fails the module with its message.

    The attribute `result` of an error is returned as well.
    """
    try:
        module.exit_json(**run(module))
    except errors as error:
        module.fail_json(msg=str(error), **getattr(error, "result", {}))
