"""The status pages: health, status, instances, metrics."""
