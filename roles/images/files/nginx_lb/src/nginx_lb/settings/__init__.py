"""The settings: their values, how they are read and checked, and which of them are in use."""
