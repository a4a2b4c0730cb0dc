"""The golden suite: recorded answers and what becomes of them."""
