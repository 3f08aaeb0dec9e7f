"""Instruments and filters, bars, data quality, recorded files and the synthetic market."""
