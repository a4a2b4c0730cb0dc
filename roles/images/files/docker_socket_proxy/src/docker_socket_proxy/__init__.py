"""A filtering proxy in front of the Docker socket: Registrator may read what it needs."""
