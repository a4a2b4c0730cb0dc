"""The Docker Engine as the source of containers and events."""
