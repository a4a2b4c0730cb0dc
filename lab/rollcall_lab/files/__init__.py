"""What the lab keeps in files: its state, the inventory of further hosts, the lock."""
