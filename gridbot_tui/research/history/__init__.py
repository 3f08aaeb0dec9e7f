"""Recorded market data of Binance, fetched into a local store of Parquet files with checksums."""
