"""Ansible's plugin loader in a test's own process, for as long as it is needed."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator

from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

# The collections as Ansible imports them: an import takes ten times as long as a template.
_imported: dict[str, types.ModuleType] = {}
# Ansible's finder, made once: Ansible warns of a second initialisation.
_finders: list[_AnsibleCollectionFinder] = []


@contextlib.contextmanager
def ansible_plugins() -> Iterator[None]:
    """The collection as Ansible imports it, with fragments; then Python's import goes on as before.

    Its modules are others than Python's own.
    """
    plain = _taken_out()
    hooks = list(sys.path_hooks)
    if _finders:
        _finders[0]._install()
    else:
        init_plugin_loader()
        _finders.append(AnsibleCollectionConfig.collection_finder)
    sys.modules.update(_imported)
    try:
        yield
    finally:
        _AnsibleCollectionFinder._remove()
        sys.path_hooks[:] = hooks
        _imported.update(_taken_out())
        sys.modules.update(plain)


def _taken_out() -> dict[str, types.ModuleType]:
    """All modules of collections, which Python then knows no more."""
    names = [name for name in sys.modules if name.partition(".")[0] == "ansible_collections"]
    return {name: sys.modules.pop(name) for name in names}
