"""What ought to stand on the exchange, what does, and the few orders and cancels in between."""
