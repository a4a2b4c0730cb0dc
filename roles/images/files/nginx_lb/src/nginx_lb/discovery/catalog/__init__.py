"""Follows any number of services on four connections, by the catalog's indexes."""
