"""Consul as the service registry: the agent API or the key-value store."""
