"""API keys: from the system keyring, from systemd, or from the environment; never from a file of ours.

``resolve`` finds the key of one account and registers it to be hidden from every log line; it may ask the
operator to unlock a keyring, so it is called before anything takes the terminal. ``KeyringVault`` stores and
deletes with a read-back, on a backend that ``judge`` holds to be a real keyring.
"""
