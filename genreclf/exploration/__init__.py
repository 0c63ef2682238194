"""Exploration: the tracks of a table on a page, to listen to them and to mend their labels."""
