"""A compiled sketch of one futures symbol's run, to choose which sets are worth the engine's time.

It calls the strategy's own functions, compiled from their own source, and restates around them what a quiet run
needs: hourly plans, rungs in ticks and steps, fills, fees, funding, tiers, three shadows and the learning. It leaves
out the gap budget, resting stops, the order hysteresis' finer points and refusals, so that its fills are not the
engine's: nothing it says is ever reported.
"""
