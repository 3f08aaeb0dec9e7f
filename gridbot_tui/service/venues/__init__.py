"""The exchange behind a run in real time.

``venue`` is all that is needed of one; ``binance_venue`` and ``paper_venue`` are the two there are. ``venue_open``
opens them once ``safety`` has no objection; ``exchange_look`` is the same look without trading. ``dead_man`` keeps
the exchange's countdown by what ``dead_man_watch`` sees. ``links_view`` and ``shut_requests`` say how the connections
are.
"""
