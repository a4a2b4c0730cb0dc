"""Registrator: registers the containers of this host's Docker Engine in its Consul agent."""

__version__ = "1.0.0"
