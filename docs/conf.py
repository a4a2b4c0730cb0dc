"""The site, made without the network: no inventory of another site, nothing from afar."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes

project = "rollcall.discovery"
author = "rollcall contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_title = "rollcall.discovery"
myst_heading_anchors = 3
highlight_language = "yaml+jinja"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
nitpicky = True

# What the generated pages refer to on Ansible's own site, of which no inventory is fetched.
ANSIBLE = "https://docs.ansible.com/ansible/latest"
ELSEWHERE = {
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{ANSIBLE}/reference_appendices/config.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
}


def elsewhere(_app: Any, _env: Any, node: Any, content: Any) -> Any:
    """A link to Ansible's own site, None for whatever is not there: that is a mistake of ours."""
    target = node.get("reftarget", "")
    page = ELSEWHERE.get(target)
    if node.get("reftype") == "envvar" and target.startswith("ANSIBLE_"):
        page = f"{ELSEWHERE['ansible_configuration_settings']}#envvar-{target}"
    return nodes.reference("", "", content, internal=False, refuri=page) if page else None


def without_contents(_app: Any, _name: str, source: list[str]) -> None:
    """Drop the table of contents of a generated page: the theme has its own beside it."""
    source[0] = re.sub(r"^\.\. contents::\n(?: +.*\n)*", "", source[0], flags=re.M)


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("source-read", without_contents)
    app.connect("missing-reference", elsewhere)
