"""Which of the requests is a POST, and which gets a new connection. Pure and always the same."""

from __future__ import annotations

# Multiples of these, modulo 1, fill the square evenly (Weyl): POSTs are neither always nor never
# on new connections, and every stretch of requests has about the shares that were asked for.
_GOLDEN = (5**0.5 - 1) / 2
_SILVER = 2**0.5 - 1


def is_post(n: int, share: float) -> bool:
    """Whether request number `n` is a POST, where `share` of all are."""
    return n * _SILVER % 1 < share


def is_fresh(n: int, share: float) -> bool:
    """Whether request number `n` gets a connection of its own, where `share` of all do."""
    return n * _GOLDEN % 1 < share
