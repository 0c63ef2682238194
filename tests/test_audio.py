import os
import subprocess
import sys
import threading

import librosa
import numpy as np
import pytest
import soundfile

from genreclf import audio
from genreclf.errors import RequestError, TrackError

FORMATS = ("wav", "flac", "ogg", "mp3")


def noise(seconds, rate=44100, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return 0.1 * rng.standard_normal((int(seconds * rate), channels)).astype(np.float32)


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


def test_standard_error_is_heard_between_segments(tmp_path, capfd):
    path = write(tmp_path / "sound.mp3", noise(3))
    for start, _ in audio.segments(path, duration=1):
        os.write(2, f"at {start:g}\n".encode())
    assert capfd.readouterr().err == "at 0\nat 1\nat 2\n"


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


def test_a_flac_header_that_promises_hours_is_refused_without_ado(tmp_path):
    path = write(tmp_path / "sound.flac", noise(3, rate=8000), 8000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F
    content[22:26] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert code_of(path, duration=3) == "unreadable"


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
def test_a_truncated_or_damaged_file_gives_samples_or_a_reason(tmp_path, suffix, capfd):
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
    assert capfd.readouterr().err == ""


def test_standard_error_is_back_after_reading_from_many_threads(tmp_path, capfd):
    path = write(tmp_path / "sound.mp3", noise(1))
    threads = [threading.Thread(target=audio.load, args=(path,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


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


@pytest.mark.parametrize(
    "options",
    [
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
