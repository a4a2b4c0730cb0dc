"""What operates the daemon: logs, metrics, status pages, health check, the host's address."""
