"""Consul agents as processes of one's own on loopback: for the tests and for the benchmarks."""
