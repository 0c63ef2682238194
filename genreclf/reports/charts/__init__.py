"""Charts: each takes what it shows and a width, and gives a drawing."""
