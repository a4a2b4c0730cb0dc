"""Registrator: what runs on this host's Docker Engine stands in this host's Consul agent."""

__version__ = "1.0.0"
