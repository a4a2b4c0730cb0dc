"""The nginx load balancer: follows Consul, guards against lost catalogs, and configures nginx."""
