import functools
import os
import signal
import subprocess
import sys
import threading
import time

import librosa
import numpy as np
import pytest
import soundfile

from genreclf import audio
from genreclf.errors import RequestError, TrackError
from genreclf.features import extract_features

FORMATS = ("wav", "flac", "ogg", "mp3")


def noise(seconds, rate=44100, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return 0.1 * rng.standard_normal((int(seconds * rate), channels)).astype(np.float32)


@functools.cache
def music(seconds, rate=44100, channels=2):
    """Strokes of noise over a chord, so that an encoder saves bits and spends them."""
    times = np.arange(int(seconds * rate))[:, None] / rate
    stroke = noise(seconds, rate, channels) * np.exp(-40 * (times % 0.5))
    chord = sum(0.1 * np.sin(2 * np.pi * pitch * times) for pitch in (220, 277, 330))
    return (chord + 3 * stroke).astype(np.float32)


def write(path, samples, rate=44100, **options):
    soundfile.write(path, samples, rate, **options)
    return path


def outcome(path):
    try:
        samples, _ = audio.load(path)
    except TrackError as error:
        return error.code
    return "fine" if np.isfinite(samples).all() else "bad samples"


def code_of(path, **options):
    with pytest.raises(TrackError) as caught:
        audio.load(path, **options)
    return caught.value.code


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(("offset", "duration"), [(0.0, 2.0), (1.25, 1.5), (0.5, None)])
def test_samples_are_those_of_librosa(tmp_path, suffix, offset, duration):
    path = write(tmp_path / f"sound.{suffix}", noise(4))
    samples, rate = audio.load(path, offset=offset, duration=duration)
    expected, _ = librosa.load(path, sr=22050, offset=offset, duration=duration)
    assert rate == 22050
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, expected)


MP3S = {
    "32 kbit/s": {"bitrate_mode": "CONSTANT", "compression_level": 0.999},
    "48 kbit/s": {"bitrate_mode": "CONSTANT", "compression_level": 0.95},
    "160 kbit/s": {"bitrate_mode": "CONSTANT", "compression_level": 0.5},
    "variable": {"bitrate_mode": "VARIABLE", "compression_level": 0.999},
}


def between(start, rate):
    """The offset by which librosa begins at a sample, whatever the rounding."""
    return (start + 0.5) / rate if start else 0


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("encoding", MP3S)
def test_samples_of_an_mp3_are_those_of_librosa_at_any_bit_rate(tmp_path, encoding, channels):
    rate = 44100
    path = write(tmp_path / "sound.mp3", music(26, channels=channels), format="MP3", **MP3S[encoding])
    expected, _ = librosa.load(path, sr=None)
    np.testing.assert_array_equal(audio.load(path, sample_rate=None, duration=None)[0], expected)
    start, _ = audio.window(soundfile.info(path).frames, rate=rate, offset=None, duration=24)
    expected, _ = librosa.load(path, sr=None, offset=between(start, rate), duration=24)
    np.testing.assert_array_equal(audio.load(path, sample_rate=None, duration=24)[0], expected)


# The last length is one of whole frames, where a decoder could go on without seeking.
@pytest.mark.parametrize("length", [3.0, 25.0, 115_200.5 / 44100])
def test_segments_of_an_mp3_are_those_of_librosa_at_a_low_bit_rate(tmp_path, length):
    path = write(tmp_path / "sound.mp3", music(27), format="MP3", **MP3S["32 kbit/s"])
    for start, samples in audio.segments(path, sample_rate=None, duration=length):
        expected, _ = librosa.load(path, sr=None, offset=start, duration=length)
        np.testing.assert_array_equal(samples, expected)
        np.testing.assert_array_equal(samples, audio.load(path, sample_rate=None, offset=start, duration=length)[0])


def test_a_segment_begins_where_its_start_says(tmp_path):
    path = write(tmp_path / "sound.wav", noise(40, rate=22050), 22050)
    length = 52_452.5 / 22050
    for start, samples in audio.segments(path, sample_rate=None, duration=length):
        np.testing.assert_array_equal(samples, audio.load(path, sample_rate=None, offset=start, duration=length)[0])


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 48000, 96000, 192000])
def test_every_rate_becomes_the_one_asked_for(tmp_path, rate):
    path = write(tmp_path / "sound.wav", noise(0.5, rate=rate), rate)
    samples, _ = audio.load(path)
    expected, _ = librosa.load(path, sr=22050)
    np.testing.assert_array_equal(samples, expected)
    own, own_rate = audio.load(path, sample_rate=None)
    assert (own_rate, len(own)) == (rate, rate // 2)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
def test_channels_are_averaged(tmp_path, channels):
    sound = noise(0.3, channels=channels)
    path = write(tmp_path / "sound.wav", sound, subtype="FLOAT")
    samples, _ = audio.load(path, sample_rate=None)
    np.testing.assert_allclose(samples, sound.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_every_sample_format_is_full_scale_one(tmp_path, subtype):
    path = write(tmp_path / "sound.wav", np.full(4410, 0.5), subtype=subtype)
    samples, _ = audio.load(path, sample_rate=None)
    np.testing.assert_allclose(samples, 0.5, atol=1 / 128)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(5, (0, 5)), (30, (0, 30)), (31, (0, 31)), (32, (1, 30)), (90, (30, 30)), (7200, (3585, 30))],
)
def test_a_track_up_to_a_second_longer_is_taken_whole_and_a_longer_one_by_its_middle(seconds, expected):
    rate = 1000
    window = audio.window(seconds * rate, rate=rate, offset=None, duration=30)
    assert window == (expected[0] * rate, expected[1] * rate)


def test_an_offset_or_no_duration_moves_the_window():
    assert audio.window(100_000, rate=1000, offset=20, duration=30) == (20_000, 30_000)
    assert audio.window(100_000, rate=1000, offset=90, duration=30) == (90_000, 10_000)
    assert audio.window(100_000, rate=1000, offset=200, duration=30) == (100_000, 0)
    assert audio.window(100_000, rate=1000, offset=None, duration=None) == (0, 100_000)
    assert audio.window(100_000, rate=1000, offset=20, duration=None) == (20_000, 80_000)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_the_middle_of_a_long_track_is_read(tmp_path, suffix):
    path = write(tmp_path / f"sound.{suffix}", noise(9, rate=8000), 8000)
    middle, _ = audio.load(path, sample_rate=None, duration=2)
    whole, _ = audio.load(path, sample_rate=None, duration=None)
    np.testing.assert_array_equal(middle, whole[28_000:44_000])


def test_segments_cover_a_long_track_and_equal_what_load_reads(tmp_path):
    path = write(tmp_path / "sound.wav", noise(9.2, rate=16000), 16000)
    parts = list(audio.segments(path, duration=2))
    assert [start for start, _ in parts] == [0, 2, 4, 6, 8]
    for start, samples in parts:
        expected, _ = audio.load(path, offset=start, duration=2)
        np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize(("seconds", "starts"), [(4.9, [0, 2]), (5.1, [0, 2, 4]), (2.9, [0]), (3.1, [0, 2])])
def test_a_last_rest_is_kept_from_half_a_window_on(tmp_path, seconds, starts):
    path = write(tmp_path / "sound.wav", noise(seconds, rate=8000), 8000)
    assert [start for start, _ in audio.segments(path, duration=2)] == starts


def test_a_rest_too_short_to_describe_is_dropped(tmp_path):
    path = write(tmp_path / "sound.wav", noise(1.29, rate=8000), 8000)
    assert [start for start, _ in audio.segments(path, duration=0.15)][-1] == pytest.approx(1.05)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_track_that_is_taken_whole_is_one_segment_to_the_last_bit(tmp_path, suffix):
    path = write(tmp_path / f"sound.{suffix}", noise(2.8))
    ((start, samples),) = audio.segments(path, duration=2)
    assert start == 0
    np.testing.assert_array_equal(samples, audio.load(path, duration=2)[0])


def test_a_header_that_promises_too_much_is_not_believed(tmp_path):
    path = write(tmp_path / "sound.wav", noise(40, rate=8000), 8000)
    whole = path.read_bytes()
    path.write_bytes(whole[: 44 + 8000 * 4 * 10])
    samples, _ = audio.load(path, sample_rate=None, duration=3)
    expected, _ = librosa.load(path, sr=None, offset=3.5, duration=3)
    np.testing.assert_array_equal(samples, expected)


def flac_of_length(path, n_frames):
    """A FLAC file of 3 s at 8 kHz whose header states a length; 0 stands for none, as a pipe's end leaves it."""
    content = bytearray(write(path, noise(3, rate=8000), 8000).read_bytes())
    content[21:26] = (content[21] >> 4 << 36 | n_frames).to_bytes(5, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("stated", [0, 24_001, 8000 * 3600, (1 << 36) - 1])
@pytest.mark.parametrize("block", [1 << 22, 10_000])
def test_a_flac_of_unknown_or_too_great_length_is_read_to_its_end(tmp_path, monkeypatch, stated, block):
    monkeypatch.setattr("genreclf.audio.sndfile._BLOCK_SAMPLES", block)
    right, _ = audio.load(write(tmp_path / "right.flac", noise(3, rate=8000), 8000), sample_rate=None)
    path = flac_of_length(tmp_path / "sound.flac", stated)
    for options, window in {
        (("duration", 30.0),): slice(None),
        (("duration", None),): slice(None),
        (("duration", 1.0),): slice(8000, 16_000),
        (("duration", 30.0), ("offset", 2.5)): slice(20_000, None),
    }.items():
        samples, _ = audio.load(path, sample_rate=None, **dict(options))
        np.testing.assert_array_equal(samples, right[window])
    parts = list(audio.segments(path, sample_rate=None, duration=0.9))
    assert [start for start, _ in parts] == pytest.approx([0, 0.9, 1.8])
    np.testing.assert_array_equal(np.concatenate([samples for _, samples in parts]), right[: 7200 * 3])
    assert code_of(path, offset=3.0) == "too-short"


def at(place, number):
    """A change to a file's bytes: big-endian bytes of a number at a place, or little-endian after a word."""

    def change(content):
        start = place if isinstance(place, int) else content.rindex(place[0]) + place[1]
        return content[:start] + number + content[start + len(number) :]

    return change


MOST, HALF, NONE = b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4)
LIES = {
    "wav without length": (".wav", {}, at((b"data", 4), MOST)),
    "aiff too long": (".aiff", {}, at((b"COMM", 10), HALF)),
    "aiff without length": (".aiff", {}, at((b"SSND", 4), NONE)),
    "w64 without length": (".w64", {}, at((b"data\xf3", 16), bytes(8))),
    "w64 too long": (".w64", {}, at((b"data\xf3", 16), MOST + HALF[::-1])),
    "au without length": (".au", {}, at(8, MOST)),
    "au too long": (".au", {}, at(8, HALF)),
    "caf without length": (".caf", {}, at((b"data", 4), MOST * 2)),
    "caf of length nought": (".caf", {}, at((b"data", 4), bytes(8))),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_can_be_decoded_is_read_whatever_length_the_header_states(tmp_path, lie):
    suffix, options, change = LIES[lie]
    if suffix in {".caf", ".au"}:
        pytest.importorskip("av", reason="the extra genreclf[m4a] is not installed")
    path = write(tmp_path / f"sound{suffix}", noise(3, rate=8000), 8000, **options)
    right, _ = audio.load(path, sample_rate=None)
    path.write_bytes(change(path.read_bytes()))
    samples, _ = audio.load(path, sample_rate=None)
    np.testing.assert_array_equal(samples[: len(right)], right)
    assert len(samples) <= len(right) + 100


def ogg_checksum(page):
    """The checksum of an Ogg page (RFC 3533)."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 1 << 31 else value << 1) & 0xFFFFFFFF
    return value.to_bytes(4, "little")


@pytest.mark.parametrize("length", [0, 1 << 40, 1 << 62])
def test_an_ogg_file_whose_last_page_states_a_wrong_length_is_read(tmp_path, length):
    if not length:
        pytest.importorskip("av", reason="the extra genreclf[m4a] is not installed")
    path = write(tmp_path / "sound.ogg", noise(3))
    right, _ = audio.load(path, sample_rate=None)
    content = path.read_bytes()
    start = content.rindex(b"OggS")
    page = bytearray(content[start:])
    page[6:14], page[22:26] = length.to_bytes(8, "little"), bytes(4)
    page[22:26] = ogg_checksum(page)
    path.write_bytes(content[:start] + page)
    samples, _ = audio.load(path, sample_rate=None)
    assert 0 <= len(samples) - len(right) < 2048  # what the last page's length would have cut off
    np.testing.assert_allclose(samples[: len(right)], right, atol=1e-4)


def test_the_front_of_a_truncated_flac_is_read(tmp_path):
    path = write(tmp_path / "sound.flac", noise(3))
    right, _ = audio.load(path, sample_rate=None)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    samples, _ = audio.load(path, sample_rate=None)
    assert len(right) * 0.7 < len(samples) < len(right) * 0.75
    np.testing.assert_array_equal(samples, right[: len(samples)])


def test_what_is_whole_of_a_truncated_flac_is_read(tmp_path):
    path = write(tmp_path / "sound.flac", noise(9), 44100)
    expected, _ = audio.load(path, duration=3)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    np.testing.assert_array_equal(audio.load(path, duration=3)[0], expected)


@pytest.mark.parametrize("junk", [b"\0" * 777, b"not sound " * 99, bytes(range(256)) * 8])
def test_junk_before_an_mp3_is_skipped(tmp_path, junk):
    path = write(tmp_path / "sound.mp3", noise(1))
    clean, _ = audio.load(path)
    path.write_bytes(junk + path.read_bytes())
    samples, _ = audio.load(path)
    assert abs(len(samples) - len(clean)) < 22050 / 10


@pytest.mark.parametrize("name", ["sound.wav", "sound.mp3", "tagged.wav"])
def test_a_sample_dump_is_refused_before_its_reader_prints(tmp_path, capfd, name):
    dump = bytearray(write(tmp_path / "sound.sds", noise(1, channels=1), format="SDS").read_bytes())
    for start in range(21, len(dump), 127):
        dump[start] ^= 0x55
    tag = b"ID3\4\0\0\0\0\0\n" + bytes(10) if name == "tagged.wav" else b""
    (tmp_path / name).write_bytes(tag + dump)
    assert code_of(tmp_path / name) == "unreadable"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["VOC", "NIST", "SVX", "AVR", "IRCAM", "MAT5", "PVF"])
def test_only_kinds_that_are_named_are_read(tmp_path, kind):
    path = write(tmp_path / "sound.wav", noise(1, channels=1), format=kind, subtype="PCM_16")
    assert code_of(path) == "unreadable"


def test_text_is_no_sound_whatever_its_name(tmp_path):
    for suffix in audio.AUDIO_SUFFIXES:
        path = tmp_path / f"text{suffix}"
        path.write_text("not sound at all\n" * 999)
        assert code_of(path) in {"unreadable", "needs-extra"}


def test_that_no_descriptors_are_left_is_not_told_as_a_missing_file(tmp_path):
    resource = pytest.importorskip("resource")
    path = write(tmp_path / "sound.wav", noise(1))
    audio.load(path)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.open(os.devnull, os.O_RDONLY)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, limits[1]))
    try:
        with pytest.raises(TrackError, match="too many open files") as caught:
            audio.load(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert caught.value.code == "system"


def test_each_failure_has_its_code(tmp_path):
    (tmp_path / "folder.mp3").mkdir()
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.mp3").write_text("not sound at all\n" * 999)
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    (tmp_path / "dangling.wav").symlink_to("gone.wav")
    (tmp_path / "headerless.raw").write_bytes(bytes(99_999))
    write(tmp_path / "none.wav", noise(0))
    write(tmp_path / "one.wav", noise(1 / 44100))
    write(tmp_path / "short.wav", noise(0.05))
    write(tmp_path / "slow.wav", noise(0.5, rate=500), 500)
    write(tmp_path / "nan.wav", np.full(8000, np.nan), subtype="FLOAT")
    write(tmp_path / "infinite.wav", np.full(8000, np.inf), subtype="FLOAT")
    write(tmp_path / "huge.wav", np.full(8000, 1e30), subtype="DOUBLE")
    codes = {
        "absent.wav": "missing",
        "loop.wav": "missing",
        "dangling.wav": "missing",
        "nul\0name.wav": "missing",
        "folder.mp3": "not-a-file",
        "empty.wav": "empty",
        "none.wav": "empty",
        "text.mp3": "unreadable",
        "headerless.raw": "unreadable",
        "one.wav": "too-short",
        "short.wav": "too-short",
        "slow.wav": "odd-rate",
        "nan.wav": "not-finite",
        "infinite.wav": "not-finite",
        "huge.wav": "out-of-range",
    }
    assert {name: code_of(tmp_path / name) for name in codes} == codes


def test_an_offset_beyond_the_end_is_too_short(tmp_path):
    path = write(tmp_path / "sound.wav", noise(1))
    assert code_of(path, offset=2.0) == "too-short"
    assert code_of(path, offset=0.95) == "too-short"


def test_more_than_an_hour_at_once_is_too_long(tmp_path):
    path = write(tmp_path / "sound.flac", np.zeros(3601 * 1000), 1000)
    assert code_of(path, duration=None) == "too-long"
    assert code_of(path, duration=None, offset=0.5) == "too-long"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    assert code_of(tmp_path / "pipe.wav") == "not-a-file"
    assert code_of("/dev/zero") == "not-a-file"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read anything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = write(tmp_path / "sound.wav", noise(1))
    path.chmod(0)
    assert code_of(path) == "no-permission"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems want valid text in names")
@pytest.mark.parametrize("name", [b"a b.wav", b"new\nline.wav", "höre 🎵.wav".encode(), b"bad\xff\xfe.wav"])
def test_any_name_will_do(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    write(tmp_path / "sound.wav", noise(0.5)).rename(path)
    assert len(audio.load(path)[0]) == 11025


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_truncated_or_damaged_file_gives_samples_or_a_reason(tmp_path, suffix):
    path = write(tmp_path / f"sound.{suffix}", noise(1))
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    codes = set()
    for _ in range(40):
        content = bytearray(whole[: rng.integers(len(whole))])
        for position in rng.integers(0, max(1, len(content)), 6):
            if content:
                content[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        codes.add(outcome(path))
    assert codes <= {"fine", "empty", "unreadable", "too-short", "not-finite", "odd-rate", "out-of-range"}


def test_lines_of_other_threads_reach_standard_error_while_sound_is_read(tmp_path, capfd):
    path = write(tmp_path / "sound.mp3", noise(1))
    ended = threading.Event()

    def read():
        while not ended.is_set():
            audio.load(path)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(200):
        os.write(2, f"{number}\n".encode())
        time.sleep(0.001)
    ended.set()
    for thread in threads:
        thread.join()
    assert capfd.readouterr().err.split() == [str(number) for number in range(200)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # what is tested is just what it warns of
def test_a_process_forked_while_others_describe_can_describe(tmp_path):
    path = write(tmp_path / "sound.mp3", noise(3))
    expected = extract_features(path)
    ended = threading.Event()

    def describe():
        while not ended.is_set():
            extract_features(path)

    threads = [threading.Thread(target=describe) for _ in range(3)]
    for thread in threads:
        thread.start()
    children = []
    try:
        for _ in range(8):
            time.sleep(0.03)
            child = os.fork()
            if not child:
                signal.alarm(120)
                os._exit(0 if extract_features(path) == expected else 1)
            children.append(child)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8


@pytest.mark.skipif(os.name != "posix", reason="descriptors are passed on as POSIX does")
def test_sound_is_read_where_standard_error_is_closed(tmp_path):
    path = write(tmp_path / "sound.wav", noise(1))
    code = f"from genreclf import audio; print(len(audio.load({str(path)!r})[0]))"
    command = ["/bin/sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own code
    assert done.stdout == "22050\n"


def test_compressed_files_name_the_extra_they_need(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "song.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(999))
    with pytest.raises(TrackError, match=r'pip install "genreclf\[m4a\]"') as caught:
        audio.load(tmp_path / "song.m4a")
    assert caught.value.code == "needs-extra"


def test_compressed_files_are_read_with_the_extra(tmp_path):
    av = pytest.importorskip("av", reason="the extra genreclf[m4a] is not installed")
    path = tmp_path / "song.m4a"
    # No two stretches of a tone that rises are alike.
    times = np.arange(4 * 44100) / 44100
    sound = np.sin(2 * np.pi * (440 + 20 * times) * times).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        for start in range(0, len(sound), 1024):
            frame = av.AudioFrame.from_ndarray(sound[None, start : start + 1024], format="fltp", layout="mono")
            frame.rate, frame.pts = 44100, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole, rate = audio.load(path, sample_rate=None, duration=None)
    assert rate == 44100
    assert abs(len(whole) - len(sound)) <= 2048
    assert np.median(np.abs(whole[:170_000] - sound[:170_000])) < 0.1
    for offset in (0.01, 0.5, 1.5):
        part, _ = audio.load(path, sample_rate=None, offset=offset, duration=1)
        start = int(offset * 44100)
        np.testing.assert_allclose(part, whole[start : start + 44100], atol=1e-4)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(TrackError) as caught:
        audio.load(path)
    assert caught.value.code == "unreadable"
    assert "song" not in caught.value.reason


def test_an_unknown_codec_is_told_in_one_line(tmp_path):
    av = pytest.importorskip("av", reason="the extra genreclf[m4a] is not installed")
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(noise(1, channels=1).T.copy()[:, :1024], format="fltp", layout="mono")
        frame.rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"mp4a", b"zzzz").replace(b"esds", b"free"))
    with pytest.raises(TrackError, match="encoded in a way that FFmpeg does not know") as caught:
        audio.load(path)
    assert caught.value.code == "unreadable"


def test_a_playlist_is_not_followed(tmp_path):
    pytest.importorskip("av", reason="the extra genreclf[m4a] is not installed")
    write(tmp_path / "sound.wav", noise(1))
    (tmp_path / "list.m4a").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'sound.wav'}\n#EXT-X-ENDLIST\n")
    (tmp_path / "concat.m4a").write_text(f"ffconcat version 1.0\nfile {tmp_path / 'sound.wav'}\n")
    assert {code_of(tmp_path / "list.m4a"), code_of(tmp_path / "concat.m4a")} == {"unreadable"}


@pytest.mark.parametrize(
    "options",
    [
        {"offset": 1e308},
        {"sample_rate": 0},
        {"sample_rate": 10**9},
        {"offset": -1.0},
        {"offset": float("nan")},
        {"duration": 0.0},
        {"duration": float("inf")},
    ],
)
def test_a_request_without_sense_is_refused_before_the_file_is_opened(options):
    with pytest.raises(RequestError):
        audio.load("nowhere.wav", **options)


def test_bytes_open_files_and_samples_give_what_the_file_gives(tmp_path):
    import io

    from genreclf.audio import load, segments
    from genreclf.features import extract_features

    samples = np.random.default_rng(0).uniform(-0.3, 0.3, (44100 * 3, 2)).astype(np.float32)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, 44100, subtype="FLOAT")
    wanted, rate = load(path, duration=1.0)
    with path.open("rb") as file:
        for source in (path.read_bytes(), file, io.BytesIO(path.read_bytes()), (samples.T, 44100)):
            found, found_rate = load(source, duration=1.0)
            np.testing.assert_array_equal(found, wanted)
            assert found_rate == rate
    starts = [start for start, _ in segments((samples.T, 44100), duration=1.0)]
    assert starts == [start for start, _ in segments(path, duration=1.0)] == [0.0, 1.0, 2.0]
    assert extract_features((samples.T, 44100)) == extract_features(path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "bytes: the file has no bytes"),
        (b"no music", "bytes: not a sound file"),
        ((np.zeros(10, np.float32), 44100), "samples: .*at least 0.1 s"),
        ((np.zeros(100_000, np.float32), 10), "samples: the sample rate 10 Hz"),
    ],
)
def test_what_is_no_sound_is_told_without_a_path(source, message):
    from genreclf.audio import load

    with pytest.raises(TrackError, match=message):
        load(source)


def test_a_file_that_is_open_as_text_or_samples_that_are_none_are_refused(tmp_path):
    from genreclf.audio import load

    (tmp_path / "a.wav").write_text("x")
    with (tmp_path / "a.wav").open() as file, pytest.raises(TrackError, match="open it with 'rb'"):
        load(file)
    with pytest.raises(RequestError, match="floating-point samples"):
        load((np.zeros(100_000, np.int16), 44100))
