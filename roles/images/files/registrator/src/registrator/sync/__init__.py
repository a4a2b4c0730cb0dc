"""Reconciliation: events, cycles, and the writes to the registry."""
