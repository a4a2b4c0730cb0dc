"""Fault drills: traffic that counts every request, a recorder, a checker and a report."""
