"""For every test: how long an example of hypothesis takes is the machine's load, and no failure."""

from hypothesis import settings

settings.register_profile("gridbot", deadline=None)
settings.load_profile("gridbot")
