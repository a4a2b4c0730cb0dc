"""Follows Consul: which instances it reports for which services."""
