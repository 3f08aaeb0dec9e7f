"""Conversations with the exchange that need answers, each written top to bottom as one ``dialog``.

``truth`` asks what is so (at the start, now and then, at the end), ``adopting`` begins a lost ledger on what it says,
and ``shutdown`` closes everything and proves it. Whoever has a loop drives them.
"""
