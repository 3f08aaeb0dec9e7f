"""Beside the trading, and never waited for.

``alerting`` looks for alarms in what ``alert_watch`` shows it and hands them to an ``alert_lane`` for each address,
which speaks through an ``alert_channel``. ``metrics_server`` and ``heartbeat`` are for whoever watches from outside.
``lookback_job`` owns the back-test of the what-if screen, ``lookback`` is what it is asked and what it says.
"""
