"""Placeholder until the branch core lands."""

CORES = ("2.19",)
