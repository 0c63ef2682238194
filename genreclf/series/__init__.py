"""Series: what is not summarised of a track, a row of numbers for each frame, on disk or in memory.

A log-mel spectrogram is a series, and so is what a network says of each three seconds. `Series` is an array-like of
tracks whose values stay on disk until they are read, so that more can be trained on than memory holds; `open_series`
opens what ``genreclf extract --series`` wrote; `SeriesStore` is what writes it.
"""

from genreclf.series.format import Header
from genreclf.series.opening import find_series, kinds_in, open_series, series_folder, series_of
from genreclf.series.series import Series, join_series, series_of_arrays
from genreclf.series.store import SeriesStore, SeriesStores, as_frames

__all__ = [
    "Header",
    "Series",
    "SeriesStore",
    "SeriesStores",
    "as_frames",
    "find_series",
    "join_series",
    "kinds_in",
    "open_series",
    "series_folder",
    "series_of",
    "series_of_arrays",
]
