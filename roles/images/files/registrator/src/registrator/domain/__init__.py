"""The rules: how containers become services, and the difference to what is registered. Pure."""
