"""What every balancer keeps, whichever program it is."""
