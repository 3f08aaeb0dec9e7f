"""The shell around the engine: waiting, writing, recovering, shutting down, and answering the operator.

What runs stands here, the rest in folders:

- ``bot`` is one bot without a loop. ``parts`` is what every run is made of; ``virtual`` and ``real`` are its two kinds,
  driven by ``runner`` and ``real_runner``. ``assemble`` makes a plan of the options, ``app`` leads a run to its end.
- ``warmup`` and ``history`` begin where there is nothing to restore; ``going_on`` says whether a profile can be gone on
  with.
- ``books``: from facts to disk, and back at the next start. ``dialogs``: asking the exchange, and closing everything.
- ``venues``: the exchange behind a run in real time. ``operator``: commands in, pictures out, a config on trial.
- ``beside``: alarms, metrics, signs of life. Nobody waits for them.
"""
