"""Drawdown tiers, leverage gate, resting stop, liquidation guard, breakers, kill: what may not happen."""
