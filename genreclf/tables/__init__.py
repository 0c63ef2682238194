"""Tables: rows of features as a table in memory, and as CSV files that are read, kept and resumed."""
