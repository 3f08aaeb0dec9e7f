"""Binance's protocol on loopback: the simulated exchange as any client of Binance sees it.

How it is put together, from the inside out:

- ``desk``: one account on one market, a ``simulated.Exchange`` with what the protocol has beyond the house's own
  port: time in force, quantities in quote, sweeping a book, amendments, waiting stops, order lists (``lists``),
  isolated margin (``isolated``). ``algo`` is the service that holds the conditional orders of futures. All are
  synchronous and know neither socket nor JSON.
- ``tape``: one symbol as the public sees it: book, trades, candles. ``floor``: one market; it draws a path of prices
  through every recorded or synthetic bar and plays each point against every desk as a small bar of its own.
- ``clock``: the exchange's time. It starts at the wall clock's and runs at ``speed`` times it, so that clients that
  sign with their own clock are right at speed 1. Recorded markets are moved to now by whole days.
- ``codes`` (errors), ``table`` (endpoints), ``events`` (stream and user events) are the three tables: dispatch,
  parameter checks, weights and the document in docs/ come from them and from nowhere else.
- ``spot_*`` and ``futures_*`` are the handlers: functions from a ``Call`` (account, checked parameters, time) to a
  JSON-able answer; ``public`` and ``entry`` are what both markets share. ``render_*`` turn records into Binance's
  objects: numbers as strings, ids and times as integers.
- ``gate`` admits a call: key, signature over the raw payload, time window, weights and order counts. ``faults`` is
  asked before and after; it never touches the books.
- ``http`` and ``streams`` and ``wsapi`` are the sockets. A connection has one bounded queue; one that does not read
  is closed, and never holds up the exchange.
- ``app`` owns the tasks: one pacer that wakes every few milliseconds and plays what is due, one writer a connection.

What is executed is executed in the moment its request arrives; what it caused is told after that, in the order in
which it happened. Everything runs on one event loop, so no lock exists.

Not served, and declared so in exchangeInfo or refused with a code: order lists other than OCO, OTO and OTOCO,
pegged orders, hedge mode, multi-assets margin, coin-margined contracts.
"""
