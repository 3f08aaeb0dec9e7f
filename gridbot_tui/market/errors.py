"""What goes wrong with market data that cannot be used."""


class DataError(Exception):
    """Recorded data or an instrument document cannot be used.

    Its text is one sentence for the operator: what, where, what to do. Commands exit 2 with it.
    """
