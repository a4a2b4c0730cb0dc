"""The hosts of the lab: containers with systemd, sshd and an engine, and what runs inside."""
