"""What consul-template is told: which services to follow, and to write them down as data. Pure.

Every value of Consul's goes through toJSON: what containers say of themselves stays data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..settings.model import Consul
from .snapshot import END

# One object a line. The first is there without instances too, so that an empty service is known.
_SERVICE = """\
{{"service":{name}}}
{{{{- range service "{plain}" }}}}
{{"service":{name},"id":{{{{ .ID | toJSON }}}},"address":{{{{ .Address | toJSON }}}},\
"port":{{{{ .Port | toJSON }}}},"weight":{{{{ .Weights.Passing | toJSON }}}}{tags}}}
{{{{- end }}}}
"""
_TAGS = ',"tags":{{ .Tags | toJSON }}'


def template(services: Sequence[tuple[str, bool]]) -> str:
    """The template for services by their names, with their tags or without."""
    lines = [
        _SERVICE.format(name=json.dumps(name), plain=name, tags=_TAGS if tags else "")
        for name, tags in services
    ]
    return "".join(lines) + json.dumps(END) + "\n"


def configuration(consul: Consul, text: str, destination: str, process: int) -> str:
    """consul-template's own configuration; it signals `process` after each render.

    Consul may be away for as long as it likes: 0 attempts means for ever. Without a leader the
    servers' own copy is served: the guard knows what to make of it.
    """
    agent: dict[str, object] = {
        "address": f"{consul.scheme}://{consul.address}",
        "retry": {"enabled": True, "attempts": 0, "backoff": "250ms", "max_backoff": "2s"},
    }
    if consul.token_file:
        agent["token_file"] = consul.token_file
    if consul.scheme == "https":
        agent["ssl"] = {"enabled": True, "verify": True, "ca_cert": consul.ca_file}
    return json.dumps(
        {
            "consul": agent,
            "max_stale": "1h",
            "log_level": "warn",
            "kill_signal": "SIGTERM",
            "reload_signal": "",
            # A short quiet period gathers a burst.
            "wait": {"min": "100ms", "max": "1s"},
            "template": [
                {
                    "contents": text,
                    "destination": destination,
                    "perms": 384,
                    "exec": {"command": [f"kill -USR1 {process}"], "timeout": "5s"},
                }
            ],
        }
    )
