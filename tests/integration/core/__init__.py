"""Roles and playbooks under the ansible-core that runs them: `nox -s core` has each line of it."""
