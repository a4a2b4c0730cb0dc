"""What measurements say: ratios, medians and the reports they are read from. Pure."""
