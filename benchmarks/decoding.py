"""Samples of mp3 files against ``librosa.load``, over a grid of how they were encoded.

    python benchmarks/decoding.py --every 10

A piece of made-up music is encoded at every bit rate from 8 to 320 kbit/s and in three qualities of variable bit rate,
at sample rates from 8 to 48 kHz, in mono, stereo and joint stereo, with and without the header that tells the length,
and with the front cut off in the middle of a frame. Each file is read whole, by its middle, from an offset and in
segments. Printed is the largest difference from librosa's samples for each bit rate; the exit code is 1 if there is
any. ``--every 10`` takes each tenth file of the grid. The files are made with PyAV, of the extra ``genreclf[m4a]``.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from genreclf import audio

SAMPLES = 1_200_000
BIT_RATES = {
    8000: (8, 16, 24, 32, 48, 64),
    11025: (8, 16, 24, 32, 48, 64),
    16000: (8, 16, 24, 32, 48, 64, 96, 160),
    22050: (8, 16, 24, 32, 48, 64, 96, 160),
    24000: (8, 16, 24, 32, 48, 64, 96, 160),
    32000: (32, 40, 48, 56, 64, 96, 128, 192, 320),
    44100: (32, 40, 48, 56, 64, 96, 128, 192, 320),
    48000: (32, 40, 48, 56, 64, 96, 128, 192, 320),
}
QUALITIES = (0, 4, 9)
CHANNELS = ("mono", "stereo", "joint")
FRONTS = ("header", "no header", "cut")


@dataclass(frozen=True)
class Mp3:
    """How a file is encoded.

    Parameters
    ----------
    bit_rate : in kbit/s, or the quality of a variable one as ``V0`` (best) to ``V9``.
    sample_rate : in Hz.
    channels : one of `CHANNELS`.
    front : one of `FRONTS`.
    """

    bit_rate: int | str
    sample_rate: int
    channels: str
    front: str

    def content(self, *, n_samples: int = SAMPLES) -> bytes:
        """The bytes of a file of so many samples, `SAMPLES` at most."""
        import av

        layout = "mono" if self.channels == "mono" else "stereo"
        options = {"joint_stereo": str(int(self.channels == "joint"))}
        if isinstance(self.bit_rate, str):
            options |= {"flags": "+qscale", "global_quality": str(118 * int(self.bit_rate[1:]))}
        file = io.BytesIO()
        header = {"write_xing": str(int(self.front == "header")), "id3v2_version": "0"}
        with av.open(file, "w", format="mp3", options=header) as container:
            stream = container.add_stream("libmp3lame", rate=self.sample_rate, layout=layout, options=options)
            if isinstance(self.bit_rate, int):
                stream.bit_rate = 1000 * self.bit_rate
            sound = music(self.sample_rate)[: 1 if layout == "mono" else 2, :n_samples]
            for start in range(0, n_samples, 1152):
                block = np.ascontiguousarray(sound[:, start : start + 1152])
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                frame.rate, frame.pts = self.sample_rate, start
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return file.getvalue()[5000 if self.front == "cut" else 0 :]


@cache
def music(rate: int) -> np.ndarray:
    """(2, samples) of chords and strokes, loud and soft by turns, so that an encoder saves bits and spends them."""
    rng = np.random.default_rng(0)
    length = rate // 2
    seconds = np.arange(length) / rate
    sound = 0.003 * rng.standard_normal((2, SAMPLES + length), dtype=np.float32)
    for start in range(0, SAMPLES, length):
        for pitch in 110 * 2 ** (rng.integers(0, 36, 4) / 12):
            tone = np.sin(2 * np.pi * pitch * seconds) * np.exp(-4 * seconds)
            sound[:, start : start + length] += rng.uniform(0, 0.2, (2, 1)) * tone
        stroke = rng.standard_normal((2, length)) * np.exp(-seconds * 100)
        sound[:, start : start + length] += rng.choice([0.1, 0.3]) * stroke
    return sound[:, :SAMPLES]


def grid() -> Iterator[Mp3]:
    """Every way of encoding."""
    for sample_rate, bit_rates in BIT_RATES.items():
        for bit_rate in (*bit_rates, *(f"V{quality}" for quality in QUALITIES)):
            for channels in CHANNELS:
                for front in FRONTS:
                    yield Mp3(bit_rate, sample_rate, channels, front)


def largest_difference(path: Path) -> float:
    """The largest difference of any sample from librosa's, read in every way; infinite where lengths differ."""
    import librosa
    import soundfile

    def expected(offset: float | None, duration: float | None) -> np.ndarray:
        return librosa.load(path, sr=None, offset=offset or 0, duration=duration)[0]

    information = soundfile.info(path)
    rate, n_samples = information.samplerate, information.frames
    part = 0.61 * n_samples / rate
    whole = expected(None, None)
    start, count = audio.window(n_samples, rate=rate, offset=None, duration=part)
    if start + count > len(whole):  # the header says too much
        start, _ = audio.window(len(whole), rate=rate, offset=None, duration=part)
    middle = (start + 0.5) / rate if start else None
    # What is hardly longer than the window is taken whole.
    windows = [(None, None, whole), (None, part, whole if count >= len(whole) else expected(middle, part))]
    windows += [(part / 2, duration, expected(part / 2, duration)) for duration in (part, None)]
    pairs = [(audio.load(path, sample_rate=None, offset=o, duration=d)[0], wanted) for o, d, wanted in windows]
    # The second length is a hundred frames, so that a decoder could go on where it is.
    for length in (part / 2.1, 115_200.5 / rate):
        cut = audio.segments(path, sample_rate=None, duration=length)
        pairs += [(samples, whole if len(samples) == len(whole) else expected(start, length)) for start, samples in cut]
    return max(
        float(np.abs(found - wanted).max()) if found.shape == wanted.shape else np.inf for found, wanted in pairs
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="take each so many-th file of the grid")
    options = parser.parse_args()
    worst: dict[int | str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="genreclf-decoding-") as folder:
        path = Path(folder) / "sound.mp3"
        for encoding in list(grid())[:: options.every]:
            path.write_bytes(encoding.content())
            found = largest_difference(path)
            worst.setdefault(encoding.bit_rate, []).append(found)
            if found:
                sys.stdout.write(f"{found:.3g} {encoding}\n")
    sys.stdout.write(f"{'kbit/s':>8} {'files':>6} {'differ':>6} {'largest difference':>20}\n")
    for bit_rate, found in sorted(worst.items(), key=lambda item: (isinstance(item[0], str), item[0])):
        sys.stdout.write(f"{bit_rate:>8} {len(found):>6} {np.count_nonzero(found):>6} {max(found):>20.3g}\n")
    return int(any(map(any, worst.values())))


if __name__ == "__main__":
    sys.exit(main())
