"""A compiled double of a run, of one symbol or several: back-tests in a moment, more sets than the engine could play.

It calls the strategy's own functions, compiled from their own source, and mirrors around them what engine and simulated
exchange do, event by event: decisions, rungs, gate, stops, targets, refusals, fills, margin, tiers, episodes, learning.
``tests/research/test_screen.py``, ``make screen`` and ``make compiled`` hold it against the engine, fill by fill and,
once ``settled`` has booked them, figure by figure. What a search finds is played again by the engine all the same.
"""
