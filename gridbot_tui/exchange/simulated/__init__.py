"""The simulated exchange: spot and USD-M futures with its own books, the independent judge of the bot.

``World`` owns virtual time and speaks the port's language; ``Exchange`` inside it knows only orders, bars and
balances; ``BooksFile`` makes what it knows outlive the process.
"""
