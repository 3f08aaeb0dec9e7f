"""What the bot remembers: one SQLite file a profile, journal and projections, one writer."""
