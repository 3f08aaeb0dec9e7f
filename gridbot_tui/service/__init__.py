"""The shell around the engine: waiting, writing, recovering, shutting down, and answering the operator.

Where things are, from the inside out:

- ``bot`` is one bot without a loop. ``parts`` is what every run is made of; ``virtual`` and ``real`` are its two kinds,
  driven by ``runner`` and ``real_runner``. ``assemble`` makes a plan of the options, ``app`` leads a run to its end.
- The books: ``journal`` takes facts to everything that remembers them (``live_journal`` off the loop, ``telling`` once
  they are durable), ``saving`` says when the engine's state is kept, ``restore`` reads it, ``warmup`` and ``history``
  begin where there is none. ``profile``, ``lock`` and ``footing`` mind the files.
- Conversations with the exchange are ``dialog``s: ``truth`` (start, now and then, end), ``adopting``, ``shutdown``.
- The exchange: ``venue`` is all that is needed of one, ``binance_venue`` and ``paper_venue`` are the two there are,
  ``venue_open`` opens them once ``safety`` has no objection. ``dead_man`` keeps its countdown.
- The operator: ``session`` takes commands (``command_log`` knows those that were given), ``control_server`` with a
  ``control_peer`` each is the socket, ``picture`` makes the snapshot. ``reload`` tries a config on ``trial`` first.
- Beside the trading, never waited for: ``alerting``, ``metrics_server``, ``heartbeat``, ``lookback_job``.
"""
