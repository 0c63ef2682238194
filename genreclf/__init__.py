"""genreclf: tells music genres apart with classical machine learning, on a CPU.

The way of the data: a data set gives a manifest, audio becomes one row of features a track, rows are kept in a
feature table, an evaluation compares models on it, and a report shows the comparison.

The public names stand in ``__init__.pyi``; each is imported when it is first used, so that ``import genreclf``
stays quick.
"""

import lazy_loader

from genreclf import display

__version__ = "0.1.0"


def _html(shown: object) -> str:
    from genreclf.notebook import html

    return html(shown)


display.drawn_by(_html)

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
