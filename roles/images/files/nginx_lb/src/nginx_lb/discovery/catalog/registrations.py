"""What the answers register, of a node or of a service. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...model import Skip
from ..answers import decoded, mapping, objects, text, texts
from ..snapshot import Found, validated
from ..subscription import Subscription

# A node and a service's ID; "" stands for every service of the node.
Key = tuple[str, str]
# What has a check that does not pass.
Failing = frozenset[Key]


@dataclasses.dataclass(frozen=True)
class Registration:
    """A service on a node that is followed, and whether it is followed by its name.

    `keys` are those of failing checks that take it out: its own, and that of its node. `created` is
    its CreateIndex, which another one with the same ID does not have.
    """

    keys: tuple[Key, Key]
    created: str
    declared: bool
    entry: Found | Skip

    @property
    def identity(self) -> tuple[Key, str]:
        """What it keeps from its registration to its deregistration."""
        return self.keys[0], self.created


@dataclasses.dataclass(frozen=True)
class Part:
    """What an answer registers, and what each text of a service in it means, None if not followed.

    The texts are those of an answer that is equal to `frame` but for its services.
    """

    registrations: tuple[Registration, ...]
    frame: bytes = b""
    texts: Mapping[bytes, Registration | None] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Form:
    """How an answer lists services: what comes before the first, and the fields of each.

    The fields are its ID, name, address, port, weights and tags.
    """

    opening: bytes
    fields: tuple[str, str, str, str, str, str]


BY_NODE = Form(b'"Services":[', ("ID", "Service", "Address", "Port", "Weights", "Tags"))
BY_SERVICE = Form(
    b"[",
    (
        *("ServiceID", "ServiceName", "ServiceAddress"),
        *("ServicePort", "ServiceWeights", "ServiceTags"),
    ),
)
# Consul writes the ID first.
_BEGINNING = b'{"ID":"'


def parse(form: Form, subscription: Subscription, last: Part | None, content: bytes) -> Part:
    """What an answer registers. ValueError for one that Consul does not give.

    Usually one service of many has changed: a text that the `last` answer has too is not parsed.
    """
    try:
        frame, texts = _split(form, content)
        node = _node(form, decoded(frame))
        known = last.texts if last is not None and last.frame == frame else {}
        found = {
            each: known[each] if each in known else _of(form, subscription, node, decoded(each))
            for each in texts
        }
    except ValueError:
        body = decoded(content)
        node = _node(form, body)
        listed = (_of(form, subscription, node, each) for each in _listed(form, body))
        return Part(tuple(each for each in listed if each))
    return Part(tuple(each for each in found.values() if each), frame, found)


def _split(form: Form, content: bytes) -> tuple[bytes, list[bytes]]:
    """The answer without its services, and the text of each. ValueError where it has none.

    What is searched for is in no text, where a quote has a backslash before it. In a list within a
    service it would leave the service without its end, which is no JSON.
    """
    before, found, rest = content.partition(form.opening + _BEGINNING)
    end = rest.rfind(b"}]")
    if not found or end < 0:
        raise ValueError("the answer has no services")
    texts = rest[:end].split(b"}," + _BEGINNING)
    return before + form.opening + rest[end + 1 :], [_BEGINNING + each + b"}" for each in texts]


def _node(form: Form, body: Any) -> dict[str, Any] | None:
    """The node of all services; None where each has its own."""
    if form is BY_SERVICE:
        objects(body)
        return None
    answer = mapping(body)
    if not answer.keys() >= {"Node", "Services"}:
        raise ValueError("the answer has no node and services")
    # A node that has left is null, and has no services.
    return {} if answer["Node"] is None else mapping(answer["Node"])


def _listed(form: Form, body: Any) -> list[dict[str, Any]]:
    if form is BY_SERVICE:
        return objects(body)
    # Without a filter, Consul writes null where there are none.
    return [] if body["Services"] is None else objects(body["Services"])


def _of(
    form: Form, subscription: Subscription, node_of_all: dict[str, Any] | None, service: Any
) -> Registration | None:
    """What a service on a node registers; None where it is not followed."""
    service = mapping(service)
    node = service if node_of_all is None else node_of_all
    key_of_id, key_of_name, key_of_address, key_of_port, key_of_weights, key_of_tags = form.fields
    name, tags = text(service.get(key_of_name)), texts(service.get(key_of_tags))
    identifier, node_name = text(service.get(key_of_id)), text(node.get("Node"))
    if not subscription.follows(name, tags):
        return None
    declared = subscription.declares(name)
    weights = service.get(key_of_weights)
    entry = {
        "service": name.lower() if declared else name,
        "id": identifier,
        "address": text(service.get(key_of_address)) or text(node.get("Address")),
        "port": service.get(key_of_port),
        "weight": weights.get("Passing", 1) if isinstance(weights, dict) else 1,
        "tags": tags,
    }
    return Registration(
        ((node_name, identifier), (node_name, "")),
        str(service.get("CreateIndex")),
        declared,
        validated(entry, subscription.networks),
    )
