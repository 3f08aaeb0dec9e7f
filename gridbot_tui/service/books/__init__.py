"""The books of a run, and the files they are in.

``journal`` takes facts to everything that remembers them: ``live_journal`` does so off the loop, and ``telling`` says
them aloud once they are durable. ``saving`` decides when the engine's whole state is kept, ``restore`` makes an
engine of it, and ``audit_late`` writes what a killed process could not tell any more. ``profile``, ``lock`` and
``footing`` mind the files.
"""
