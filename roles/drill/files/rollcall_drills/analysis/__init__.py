"""What is computed from a history: phases, figures, bounds and the verdict. Pure."""
