"""Balancers in containers before a real Consul and real backends."""
