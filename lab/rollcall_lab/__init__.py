"""One machine becomes three Docker hosts: the lab behind `lab/up`, `lab/down` and `lab/status`."""
