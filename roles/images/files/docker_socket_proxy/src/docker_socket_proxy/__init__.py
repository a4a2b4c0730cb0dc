"""A gate in front of the Docker socket: what Registrator has to read, and nothing else."""
