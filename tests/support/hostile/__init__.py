"""What strangers may write into the catalog, and what of it must not reach nginx."""
