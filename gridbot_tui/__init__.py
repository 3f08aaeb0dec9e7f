"""An adaptive grid trader for Binance that lives in a terminal."""

__version__ = "0.1.0"
