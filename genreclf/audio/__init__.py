"""A sound file becomes mono samples: which stretch of it, at which rate, or for which reason not.

What is decoded is what ``librosa.load`` decodes: libsndfile's samples, the mean of the channels, soxr's high-quality
resampling. A track of up to a second more than the wanted duration is taken whole; of a longer one the middle is, by
seeking to it, so that a two-hour file costs no more than a clip. What is read is bounded by what was asked for, not by
what a header says.

Whatever is wrong with a file is a `TrackError` with one of these codes:

=================  ====================================================================================
missing            there is no such file (any more), or a link leads nowhere
not-a-file         a folder, a pipe, a device
no-permission      the file may not be read
empty              no bytes, or no samples
unreadable         not sound, of an unknown kind, or damaged beyond decoding
system             the system cannot open the file now: no descriptors are left, say
needs-extra        m4a, aac and wma need the optional extra ``genreclf[m4a]``, URLs ``genreclf[remote]``
odd-rate           a sample rate below 1 kHz or above 768 kHz
too-short          less than a tenth of a second, or nothing after the offset
too-long           over an hour was to be read at once
not-finite         a sample is infinite or not a number
out-of-range       a sample is beyond ten thousand million times full scale
unreachable        a URL cannot be fetched now: no answer, an error of the server, a body that was cut
=================  ====================================================================================

Of a file that is damaged, or shorter or longer than its header says, what can be decoded from the front counts.

A sound is given as a path or a URL, as the bytes of a file, as a file that is open for reading bytes, or as samples
with their rate: `inputs`. `remote` fetches URLs, `reading` reads windows, `windowing` says which, `opening` finds the
decoder (`sndfile` or `pyav`), `samples` mixes, resamples and checks.
"""

from genreclf.audio.inputs import Source, as_path, is_source, name_of
from genreclf.audio.opening import AUDIO_SUFFIXES, EXTRA_SUFFIXES, missing_extras
from genreclf.audio.reading import load, segments
from genreclf.audio.samples import check_rate, check_samples, mono, resample
from genreclf.audio.windowing import (
    DURATION,
    LATEST_OFFSET,
    LONGEST_SECONDS,
    SAMPLE_RATE,
    SHORTEST_SECONDS,
    check_window,
    window,
)

__all__ = [
    "AUDIO_SUFFIXES",
    "DURATION",
    "EXTRA_SUFFIXES",
    "LATEST_OFFSET",
    "LONGEST_SECONDS",
    "SAMPLE_RATE",
    "SHORTEST_SECONDS",
    "Source",
    "as_path",
    "check_rate",
    "check_samples",
    "check_window",
    "is_source",
    "load",
    "missing_extras",
    "mono",
    "name_of",
    "resample",
    "segments",
    "window",
]
