"""Standard streams: what C code prints goes nowhere, what Python prints where it did."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys
from genreclf.streams import silence_decoders

print("one")
with silence_decoders():
    print("two")
    print("two", file=sys.stderr)
    os.write(1, b"a decoder's words\\n")
    os.write(2, b"a decoder's words\\n")
print("three")
os.write(2, b"three\\n")
"""


def test_only_python_is_heard_until_it_is_undone() -> None:
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)  # noqa: S603
    assert ran.stdout.split() == ["one", "two", "three"]
    assert ran.stderr.split() == ["two", "three"]


def test_nothing_is_done_to_streams_that_stand_for_others(capsys) -> None:
    from genreclf.streams import silence_decoders

    with silence_decoders():
        print("heard")
    assert capsys.readouterr().out == "heard\n"


def test_a_command_shows_nothing_that_a_decoder_prints(tmp_path) -> None:
    import numpy as np
    import soundfile

    path = tmp_path / "sound.mp3"
    soundfile.write(path, np.random.default_rng(0).standard_normal(44100) / 9, 44100)
    content = bytearray(path.read_bytes())
    content[3000:3100] = bytes(100)
    path.write_bytes(content)
    command = [sys.executable, "-c", LOADING, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own script
    assert (ran.stdout, ran.stderr) == ("22050\n", "")


LOADING = """
import sys
from genreclf import audio, cli

cli.app = lambda **_: print(audio.load(sys.argv[1])[1])
cli.main()
"""
GENRECLF = [sys.executable, "-m", "genreclf"]
NO_ROOM = "genreclf: cannot write to standard output: No space left on device; make room\n"


def closed(*descriptors):
    """What closes descriptors before the program starts."""
    return lambda: [os.close(descriptor) for descriptor in descriptors]


@pytest.mark.parametrize("arguments", [["train", "--help"], ["datasets", "info", "fma", "--json"]])
def test_a_command_ends_in_order_whatever_becomes_of_its_output(arguments) -> None:
    """A pipe that nobody reads, a full disk, and closed descriptors give no traceback."""
    ours, theirs = os.pipe()
    os.close(ours)
    ran = subprocess.run([*GENRECLF, *arguments], stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    os.close(theirs)
    assert (ran.returncode, ran.stderr) == (141, "")
    with open("/dev/full", "w") as full:  # noqa: PTH123
        ran = subprocess.run([*GENRECLF, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    assert (ran.returncode, ran.stderr) == (2, NO_ROOM)
    for descriptors in ((1,), (0, 1, 2)):
        ran = subprocess.run(  # noqa: S603
            [*GENRECLF, *arguments], capture_output=True, text=True, check=False, preexec_fn=closed(*descriptors)
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_rows_are_kept_where_the_summary_cannot_be_shown(music, tmp_path) -> None:
    command = [*GENRECLF, "extract", str(music), "-o", str(tmp_path / "t.csv"), "--jobs", "1"]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    assert (ran.returncode, ran.stderr) == (2, NO_ROOM)
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 7
