"""What a quick look has to look at, and what it may conclude. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from .model import Container, Registered
from .plan import CONTAINER, is_ours


def joined_to(touched: Collection[str], containers: Mapping[str, Container]) -> frozenset[str]:
    """The containers that live in the network of one of these: its addresses are theirs."""
    return frozenset(
        key
        for key, container in containers.items()
        if container.network_mode.removeprefix("container:") in touched
    )


def strays(
    registered: Mapping[str, Registered], owner: str, accounted: Collection[str]
) -> list[str]:
    """The services of ours that no mark leads back to a container, and nobody accounts for."""
    return [
        key
        for key, entry in registered.items()
        if key not in accounted and CONTAINER not in entry.meta and is_ours(entry, owner)
    ]


def within_scope(
    registered: Mapping[str, Registered], wanted: Collection[str], containers: Collection[str]
) -> dict[str, Registered]:
    """The services that are one of these containers', or have an identifier that one wants."""
    return {
        key: entry
        for key, entry in registered.items()
        if key in wanted or entry.meta.get(CONTAINER) in containers
    }
