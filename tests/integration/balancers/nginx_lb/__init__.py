"""nginx and its program before a real Consul and real backends."""
