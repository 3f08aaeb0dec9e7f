"""Binance Spot and USD-M futures behind the port: REST through python-binance, streams of our own."""
