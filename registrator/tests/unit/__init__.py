"""The daemon piece by piece, without an engine and without an agent."""
