"""Tags: the genre is written, the sound and other tags stay, and nothing is written unasked."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tinytag import TinyTag

from genreclf.errors import RequestError, TrackError
from genreclf.prediction import Prediction, shown
from genreclf.tagging import Tagger, genre_of, write_genre


def _sound(path, **options):
    time = np.arange(22050) / 22050
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * time), 22050, **options)
    return path


@pytest.fixture
def mp3(tmp_path):
    return _sound(tmp_path / "a.mp3", format="MP3")


@pytest.fixture
def flac(tmp_path):
    return _sound(tmp_path / "a.flac")


def _frame(name, text, version):
    data = b"\x03" + text.encode() if version == 4 else b"\x01" + text.encode("utf-16")
    size = len(data).to_bytes(4, "big") if version == 3 else bytes((len(data) >> s) & 127 for s in (21, 14, 7, 0))
    return name + size + b"\0\0" + data


def _tagged(path, frames, version, padding=0):
    body = b"".join(frames) + bytes(padding)
    size = bytes((len(body) >> s) & 127 for s in (21, 14, 7, 0))
    path.write_bytes(b"ID3" + bytes((version, 0, 0)) + size + body + path.read_bytes())
    return len(body) + 10


@pytest.mark.parametrize("genre", ["rock", "Música — ロック", "x" * 300])
@pytest.mark.parametrize("version", [0, 3, 4])
def test_an_mp3_gets_its_genre_and_keeps_tags_and_sound(mp3, genre, version):
    sound, samples = mp3.read_bytes(), soundfile.read(mp3)[0]
    if version:
        picture = b"APIC" + (2000).to_bytes(4, "big") if version == 3 else b"APIC\0\0\x0f\x50"
        frames = [
            _frame(b"TIT2", "Título", version),
            _frame(b"TCON", "Old", version),
            picture + b"\0\0" + b"\0image/png\0\3\0" + bytes(range(256)) * 7 + bytes(2000 - 13 - 1792),
            _frame(b"TPE1", "Artist", version),
        ]
        _tagged(mp3, frames, version, padding=100)
    write_genre(mp3, mp3, genre)
    tag = TinyTag.get(mp3)
    assert tag.genre == genre
    assert mp3.read_bytes().endswith(sound)
    if version:
        assert (tag.title, tag.artist) == ("Título", "Artist")
        assert mp3.read_bytes().count(frames[2]) == 1
    np.testing.assert_array_equal(soundfile.read(mp3)[0], samples)


def test_writing_the_same_genre_twice_changes_nothing_more(mp3, flac):
    for path in (mp3, flac):
        write_genre(path, path, "rock")
        once = path.read_bytes()
        write_genre(path, path, "rock")
        assert path.read_bytes() == once


def test_a_flac_gets_its_genre_and_keeps_its_sound_and_other_comments(flac):
    samples, rate = soundfile.read(flac)
    with soundfile.SoundFile(flac, "w", rate, 1) as stream:
        stream.title, stream.genre, stream.artist = "Título", "Old", "Artist"
        stream.write(samples)
    before = flac.read_bytes()
    write_genre(flac, flac, "Música")
    tag = TinyTag.get(flac)
    assert (tag.genre, tag.title, tag.artist) == ("Música", "Título", "Artist")
    np.testing.assert_array_equal(soundfile.read(flac)[0], samples)
    assert flac.read_bytes()[-2000:] == before[-2000:]


def test_a_flac_without_comments_gets_a_block_of_them(flac):
    data = flac.read_bytes()
    info = data[8:42]
    end, last = 4, False
    while not last:
        last = bool(data[end] & 0x80)
        end += 4 + int.from_bytes(data[end + 1 : end + 4], "big")
    flac.write_bytes(b"fLaC" + b"\x80\0\0\x22" + info + data[end:])
    write_genre(flac, flac, "rock")
    assert TinyTag.get(flac).genre == "rock"
    assert flac.read_bytes().endswith(data[end:])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.wav", b"RIFF"),
        ("a.ogg", b"OggS"),
        ("a.opus", b""),
        ("a.m4a", b"\0\0\0\x08ftyp"),
        ("a.mp3", b"hello"),
        ("a.mp3", b""),
        ("a.mp3", b"ID3\x02\0\0\0\0\0\x0a" + bytes(10)),
        ("a.mp3", b"ID3\x04\0\x80\0\0\0\x0a" + bytes(10)),
        ("a.mp3", b"ID3\x03\0\0\0\0\0\x20TIT2\xff\xff\xff\xff\0\0" + bytes(22)),
        ("a.mp3", b"ID3\x03\0\0\0\0\0\x20" + bytes(31) + b"x"),
        ("a.flac", b"fLaC\x84\0\0\x08\xff\xff\xff\xff\0\0\0\0"),
        ("a.mp3", b"ID3"),
        ("a.mp3", b"ID3\x04\0\0\0\0\x01"),
        ("a.mp3", b"ID3\x04\0\0\0\0\x01\0" + bytes(20)),
        ("a.flac", b"fLaC\x84\xff"),
        ("a.flac", b"fLaC\x84\0\0\x0a\0\0\0\0\0\0\0\0\0\x01"),
        ("a.flac", b"ID3"),
    ],
)
def test_what_is_damaged_or_of_another_kind_is_refused_and_stays(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TrackError) as refused:
        write_genre(path, path, "rock")
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == [name]


def predicted(path, genre="rock"):
    return Prediction(str(path), genre, ("pop", "rock"), np.zeros(1), np.array([[0.2, 0.8]]))


def test_copies_leave_the_file_and_what_is_there_alone(mp3, tmp_path):
    before = mp3.read_bytes()
    tagger = Tagger(to=tmp_path / "copies")
    statuses = [tagger.tag(predicted(mp3, genre), mp3).status for genre in ("rock", "rock", "pop")]
    assert statuses == ["written", "kept", "refused"]
    assert TinyTag.get(tmp_path / "copies" / "a.mp3").genre == "rock"
    assert mp3.read_bytes() == before


def test_a_file_that_cannot_be_tagged_or_read_stops_nothing(mp3, flac, tmp_path):
    wav = _sound(tmp_path / "a.wav")
    gone = Prediction("gone.mp3", "", ("pop",), np.empty(0), np.empty((0, 1)), error=TrackError("missing", "gone"))
    unsure = Prediction(str(flac), "unknown", ("pop", "rock"), np.zeros(1), np.array([[0.5, 0.5]]), unknown=True)
    asked = [(predicted(wav), wav), (gone, Path("gone.mp3")), (predicted(mp3), mp3), (predicted(flac, "pop"), flac)]
    tagger = Tagger(in_place=True)
    found = [tagger.tag(*each).status for each in [*asked, (unsure, flac)]]
    assert found == ["refused", "kept", "written", "written", "kept"]
    assert [TinyTag.get(path).genre for path in (mp3, flac)] == ["rock", "pop"]


def test_files_whose_names_look_like_the_escape_of_each_other_get_their_own_genres(tmp_path):
    names = (os.fsdecode(b"a\xff.flac"), r"a\udcff.flac")
    paths = [_sound(tmp_path / "new.flac").rename(tmp_path / name) for name in names]
    predictions = [predicted(shown(path), genre) for path, genre in zip(paths, ("rock", "pop"), strict=True)]
    assert len({prediction.path for prediction in predictions}) == 2
    for prediction, path in zip(predictions, paths, strict=True):
        assert Tagger(in_place=True).tag(prediction, path).status == "written"
    assert [TinyTag.get(path.rename(tmp_path / "new.flac")).genre for path in paths] == ["rock", "pop"]


def test_a_link_is_kept_and_what_it_leads_to_is_tagged(flac, tmp_path):
    (tmp_path / "link.flac").symlink_to(flac)
    write_genre(tmp_path / "link.flac", tmp_path / "link.flac", "rock")
    assert (tmp_path / "link.flac").is_symlink()
    assert TinyTag.get(flac).genre == "rock"


def test_nothing_is_written_unless_it_is_said_where(tmp_path):
    for options in ({}, {"to": tmp_path, "in_place": True}):
        with pytest.raises(RequestError, match="to=FOLDER for tagged copies, or in_place=True"):
            Tagger(**options)


def test_without_the_extra_one_line_says_how_to_get_it(mp3, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mutagen", None)
    with pytest.raises(RequestError, match=r'pip install "genreclf\[tags\]"$'):
        Tagger(to=tmp_path / "copies")
    with pytest.raises(RequestError, match=r'pip install "genreclf\[tags\]"$'):
        write_genre(mp3, mp3, "rock")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", {"format": "MP3"}),
        ("a.flac", {}),
        ("a.ogg", {"format": "OGG", "subtype": "VORBIS"}),
        ("a.oga", {"format": "OGG", "subtype": "VORBIS"}),
        ("a.ogg", {"format": "OGG", "subtype": "OPUS"}),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("a.aiff", {}),
        ("a.aif", {"format": "AIFF"}),
    ],
)
def test_every_kind_keeps_its_sound_and_its_other_tags(tmp_path, name, options):
    path = tmp_path / name
    with soundfile.SoundFile(path, "w", 24000, 1, **options) as stream:
        stream.artist, stream.title = "Ann", "Two"
        stream.write(np.random.default_rng(0).uniform(-0.3, 0.3, 24000))
    samples = soundfile.read(path)[0]
    assert genre_of(path) == ""
    write_genre(path, path, "old")
    write_genre(path, path, "Música — ロック")
    tag = TinyTag.get(path)
    assert genre_of(path) == tag.genre == "Música — ロック"
    with soundfile.SoundFile(path) as stream:
        assert {tag.artist or stream.artist, tag.title or stream.title} == {"Ann", "Two"}
    np.testing.assert_array_equal(soundfile.read(path)[0], samples)


@pytest.mark.parametrize(("kind", "container_format", "codec"), [("m4a", "mp4", "aac"), ("wma", "asf", "wmav2")])
def test_an_m4a_or_a_wma_keeps_its_sound_and_its_other_tags(tmp_path, kind, container_format, codec):
    av = pytest.importorskip("av", reason='needs pip install "genreclf[m4a]"')
    path = tmp_path / f"a.{kind}"
    with av.open(str(path), "w", format=container_format) as container:
        container.metadata["artist"] = "Ann"
        stream = container.add_stream(codec, rate=22050, layout="mono")
        stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(
            np.random.default_rng(0).uniform(-0.3, 0.3, (1, 22050)).astype(np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 22050
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)

    def packets():
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0)]

    before = packets()
    assert len(before) > 10
    write_genre(path, path, "rock")
    write_genre(path, path, "Música")
    tag = TinyTag.get(path)
    assert (tag.genre, tag.artist, genre_of(path)) == ("Música", "Ann", "Música")
    assert packets() == before


@pytest.mark.parametrize("genre", ["a\0b", "a\nb", "\x1b[31mrock", "\x9b2J", "\ud800"])
def test_a_genre_that_no_tag_can_hold_is_refused(mp3, flac, genre):
    for path in (mp3, flac):
        before = path.read_bytes()
        with pytest.raises(TrackError, match="do not belong in a tag"):
            write_genre(path, path, genre)
        assert path.read_bytes() == before


@pytest.mark.parametrize("genre", ["17", "(17)", "(17)Rock", "RX", "CR"])
def test_a_genre_that_id3_takes_for_the_number_of_another_goes_into_flac_only(mp3, flac, genre):
    with pytest.raises(TrackError, match="number of another genre"):
        write_genre(mp3, mp3, genre)
    write_genre(flac, flac, genre)
    assert TinyTag.get(flac).genre == genre


@pytest.mark.parametrize(
    "genre", ["2 Step", "R&B (alternative)", "80s", "RXX", "a\u00a0b", "\U0001f469\u200d\U0001f3a4"]
)
def test_a_genre_that_only_looks_odd_is_written(mp3, flac, genre):
    for path in (mp3, flac):
        write_genre(path, path, genre)
        assert TinyTag.get(path).genre == genre


def test_a_file_that_is_read_only_stays_and_its_copy_is_tagged(mp3, flac, tmp_path):
    for path in (mp3, flac):
        path.chmod(0o444)
        before = path.read_bytes()
        with pytest.raises(TrackError, match="read-only"):
            write_genre(path, path, "rock")
        assert path.read_bytes() == before
        write_genre(path, tmp_path / "copies" / path.name, "rock")
        assert TinyTag.get(tmp_path / "copies" / path.name).genre == "rock"


def test_no_file_is_lost_when_the_disk_is_full(mp3, flac, tmp_path, monkeypatch):
    import errno

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    for path in (mp3, flac):
        before = path.read_bytes()
        with pytest.raises(RequestError, match="No space left"):
            write_genre(path, path, "rock")
        assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.flac", "a.mp3"]


@pytest.mark.parametrize("tail", ["id3v1", "ape"])
def test_tags_at_the_end_of_an_mp3_stay_as_they_are(mp3, tail):
    item = (3).to_bytes(4, "little") + bytes(4) + b"Genre\0old"
    size = (len(item) + 32).to_bytes(4, "little") + (1).to_bytes(4, "little")
    ends = {"id3v1": b"TAG" + b"x" * 125, "ape": item + b"APETAGEX\xd0\x07\0\0" + size + bytes(12)}
    whole = mp3.read_bytes() + ends[tail]
    mp3.write_bytes(whole)
    write_genre(mp3, mp3, "rock")
    assert mp3.read_bytes().endswith(whole)


def test_copies_keep_the_tree_and_a_dry_run_writes_nothing(tmp_path, monkeypatch):
    for name in ("a/1.flac", "b/1.flac"):
        (tmp_path / name).parent.mkdir()
        _sound(tmp_path / name)
    monkeypatch.chdir(tmp_path / "a")
    write_genre(Path("1.flac"), Path("1.flac"), "old")
    places = {Path("1.flac"): "a/1.flac", tmp_path / "b" / "1.flac": "b/1.flac"}
    for dry_run, status in ((True, "would-write"), (False, "written")):
        tagger = Tagger(to=tmp_path / "out", root=tmp_path, dry_run=dry_run)
        for path, name in places.items():
            tagged = tagger.tag(predicted(path), path)
            assert (tagged.status, tagged.before) == (status, "old" if name.startswith("a") else "")
            assert (tmp_path / "out" / name).exists() != dry_run
    assert Tagger(in_place=True, only_empty=True).tag(predicted("1.flac"), Path("1.flac")).status == "kept"
    assert TinyTag.get("1.flac").genre == "old"
