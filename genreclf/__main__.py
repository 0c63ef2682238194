"""``python -m genreclf``: the same as ``genreclf``."""

from genreclf.cli import main

if __name__ == "__main__":
    main()
