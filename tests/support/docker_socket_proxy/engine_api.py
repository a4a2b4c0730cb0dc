"""The Engine's API 1.52, method and path of each endpoint, as Docker's reference lists them."""

from __future__ import annotations

import re

_PATHS = """
GET     /_ping
HEAD    /_ping
POST    /auth
POST    /build
POST    /build/cancel
POST    /build/prune
POST    /commit
GET     /configs
POST    /configs/create
GET     /configs/{id}
DELETE  /configs/{id}
POST    /configs/{id}/update
POST    /containers/create
GET     /containers/json
POST    /containers/prune
DELETE  /containers/{id}
GET     /containers/{id}/archive
HEAD    /containers/{id}/archive
PUT     /containers/{id}/archive
POST    /containers/{id}/attach
GET     /containers/{id}/attach/ws
GET     /containers/{id}/changes
POST    /containers/{id}/exec
GET     /containers/{id}/export
GET     /containers/{id}/json
POST    /containers/{id}/kill
GET     /containers/{id}/logs
POST    /containers/{id}/pause
POST    /containers/{id}/rename
POST    /containers/{id}/resize
POST    /containers/{id}/restart
POST    /containers/{id}/start
GET     /containers/{id}/stats
POST    /containers/{id}/stop
GET     /containers/{id}/top
POST    /containers/{id}/unpause
POST    /containers/{id}/update
POST    /containers/{id}/wait
GET     /distribution/{name}/json
GET     /events
GET     /exec/{id}/json
POST    /exec/{id}/resize
POST    /exec/{id}/start
POST    /grpc
POST    /images/create
GET     /images/get
GET     /images/json
POST    /images/load
POST    /images/prune
GET     /images/search
DELETE  /images/{name}
GET     /images/{name}/attestations
GET     /images/{name}/get
GET     /images/{name}/history
GET     /images/{name}/json
POST    /images/{name}/push
POST    /images/{name}/tag
GET     /info
GET     /networks
POST    /networks/create
POST    /networks/prune
GET     /networks/{id}
DELETE  /networks/{id}
POST    /networks/{id}/connect
POST    /networks/{id}/disconnect
GET     /nodes
GET     /nodes/{id}
DELETE  /nodes/{id}
POST    /nodes/{id}/update
GET     /plugins
POST    /plugins/create
GET     /plugins/privileges
POST    /plugins/pull
DELETE  /plugins/{name}
POST    /plugins/{name}/disable
POST    /plugins/{name}/enable
GET     /plugins/{name}/json
POST    /plugins/{name}/push
POST    /plugins/{name}/set
POST    /plugins/{name}/upgrade
GET     /secrets
POST    /secrets/create
GET     /secrets/{id}
DELETE  /secrets/{id}
POST    /secrets/{id}/update
GET     /services
POST    /services/create
GET     /services/{id}
DELETE  /services/{id}
GET     /services/{id}/logs
POST    /services/{id}/update
POST    /session
GET     /swarm
POST    /swarm/init
POST    /swarm/join
POST    /swarm/leave
POST    /swarm/unlock
GET     /swarm/unlockkey
POST    /swarm/update
GET     /system/df
GET     /tasks
GET     /tasks/{id}
GET     /tasks/{id}/logs
GET     /version
GET     /volumes
POST    /volumes/create
POST    /volumes/prune
GET     /volumes/{name}
PUT     /volumes/{name}
DELETE  /volumes/{name}
"""
ENDPOINTS = tuple(tuple(line.split()) for line in _PATHS.split("\n") if line)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE")
PATHS = tuple(dict.fromkeys(path for _method, path in ENDPOINTS))
CONTAINER = "0123456789ab" + "0" * 52


def concrete(path: str, word: str = CONTAINER) -> str:
    """An endpoint's path with a word in each of its places."""
    return re.sub(r"\{\w+\}", word, path)
