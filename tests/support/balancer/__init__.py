"""A balancer in a container, what it is asked with, and what it balances."""
