"""The balancer: follows Consul, judges what it says, and makes nginx serve it."""
