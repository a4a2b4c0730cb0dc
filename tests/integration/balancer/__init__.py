"""The balancer's image before a real Consul and real backends."""
