"""One screen for everything you started and walked away from, and the truth about how it ended."""
