"""What every suite has: failures that the machine has to answer for are repeated and counted."""

pytest_plugins = ["ansible_collections.rollcall.discovery.tests.support.suite.repetition"]
