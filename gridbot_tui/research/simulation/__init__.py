"""The fault campaign: the real bot in virtual time, everything drawn from one seed, judged from the outside.

``scenario`` draws what happens, ``market`` and ``trouble`` make it happen, ``process`` is one life of the bot,
``simulation`` lets the World run, ``judge`` compares the bot with the exchange's own books after every step,
``campaign`` runs many seeds and makes one document of them.
"""
