"""Binance Spot and USD-M futures behind the port: REST through python-binance, streams of our own.

Where things are:

- Requests: ``port`` puts them in line by rank, ``rest`` is what may be asked of either market (``spot_rest``, and
  ``futures_rest`` over ``futures_market``), ``wire`` sends when the ``governor`` lets it and classes what goes wrong
  (``errors``), ``client`` is python-binance. ``calls`` lists every request with its weight.
- Streams: a ``line`` is one socket, a ``supervisor`` owns one connection over all its sockets, ``doors`` say where it
  goes. ``market_feed`` and ``account_feed`` make events of what is heard.
- Words: ``frames`` are the exchange's own fields. ``market_words``, ``spot_words`` and ``futures_words`` (over
  ``stream_words``) translate what streams say, ``order_words`` and ``account_words`` what REST says.
- ``clock`` is the only time, ``timing`` and ``params`` say how long anything waits.
"""
