"""The daemon's adapters and its command, with servers on this machine's loopback."""
