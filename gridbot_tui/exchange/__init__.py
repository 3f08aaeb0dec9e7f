"""The port to an exchange, and what stands behind it."""
