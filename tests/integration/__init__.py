"""Suites before real agents, engines and hosts."""
