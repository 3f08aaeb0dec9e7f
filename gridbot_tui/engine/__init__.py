"""Events in, actions out: the pure composition of market, strategy, ledger, orders and risk."""
