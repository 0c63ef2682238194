"""Data sets: which tracks there are, with their labels, artists and splits."""
