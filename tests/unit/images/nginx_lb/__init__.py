"""The balancer's own program, without Consul and nginx."""
