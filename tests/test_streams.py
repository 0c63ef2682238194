"""Standard streams: what C code prints goes nowhere, what Python prints where it did."""

from __future__ import annotations

import subprocess
import sys

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
    command = [sys.executable, "-m", "genreclf", "inspect", str(path), "-o", str(tmp_path / "page.html")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    assert (ran.stdout.strip(), ran.stderr) == (str(tmp_path / "page.html"), "")
