"""The symbols of the stream benchmark."""

SYMBOLS = [f"SYM{n:02}USDT" for n in range(50)]
