"""The process that sends the traffic, polls Consul, and writes the history."""
