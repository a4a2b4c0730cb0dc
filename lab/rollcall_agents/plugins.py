"""Ansible's plugin loader in a test's own process, for as long as it is needed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder


@contextlib.contextmanager
def ansible_plugins() -> Iterator[None]:
    """The collection as Ansible imports it, with fragments; then Python's import goes on as before.

    Ansible warns of a second initialisation, and its modules are others than Python's own.
    """
    plain = {name: sys.modules.pop(name) for name in _ours()}
    path = list(sys.path_hooks)
    init_plugin_loader()
    try:
        yield
    finally:
        _AnsibleCollectionFinder._remove()
        sys.path_hooks[:] = path
        for name in _ours():
            del sys.modules[name]
        sys.modules.update(plain)


def _ours() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "ansible_collections"]
