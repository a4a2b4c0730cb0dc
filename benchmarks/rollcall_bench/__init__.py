"""The parts of `benchmarks/balancer.py`."""
