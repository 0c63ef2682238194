"""Fetching, tested against a server on loopback that can go on, break off, fail and lie."""

from __future__ import annotations

import errno
import hashlib
import io
import shutil
import tarfile
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from made_fma import write_fma
from made_tagged import write_magnatagatune, write_mtg_jamendo

from genreclf.datasets import fetch as fetching
from genreclf.datasets import open_source
from genreclf.datasets.dataset import Archive
from genreclf.datasets.fetch import download, fetch
from genreclf.datasets.fma import FMA
from genreclf.datasets.gtzan import GTZAN
from genreclf.datasets.magnatagatune import MAGNATAGATUNE
from genreclf.datasets.mtg_jamendo import MTG_JAMENDO
from genreclf.datasets.unpacking import unpack
from genreclf.errors import RequestError

MIB = 1 << 20


def offered(server, body, *, name="pack.zip", holds=None):
    server.files[f"/{name}"] = body
    return Archive(
        name=name,
        urls=(f"{server.address}/{name}",),
        checksum=f"sha1:{hashlib.sha1(body).hexdigest()}",  # noqa: S324 - FMA publishes SHA-1
        size=f"{len(body)} B",
        holds=holds or name,
    )


@pytest.fixture
def body():
    return np.random.default_rng(0).bytes(3 * MIB + 17)


def test_download_has_the_bytes_of_the_server_and_leaves_nothing_else(server, body, tmp_path):
    assert download(offered(server, body), tmp_path).read_bytes() == body
    assert [path.name for path in tmp_path.iterdir()] == ["pack.zip"]


def test_download_that_broke_off_goes_on_where_it_stopped(server, body, tmp_path):
    server.breaks = [MIB, MIB]
    assert download(offered(server, body), tmp_path).read_bytes() == body
    assert [asked for _, asked in server.asked] == ["", f"bytes={MIB}-", f"bytes={2 * MIB}-"]


def test_next_run_goes_on_from_the_part_of_the_last(server, body, tmp_path):
    archive = offered(server, body)
    server.breaks = [MIB] + [0] * 5
    with pytest.raises(RequestError, match="the same command goes on from there"):
        download(archive, tmp_path)
    assert (tmp_path / "pack.zip.part").stat().st_size == MIB
    server.asked.clear()
    server.breaks.clear()
    assert download(archive, tmp_path).read_bytes() == body
    assert [asked for _, asked in server.asked] == [f"bytes={MIB}-"]


def test_server_without_ranges_sends_all_again(server, body, tmp_path):
    (tmp_path / "pack.zip.part").write_bytes(b"\0" * MIB)
    server.ranges = False
    assert download(offered(server, body), tmp_path).read_bytes() == body


def test_part_that_is_complete_is_only_checked(server, body, tmp_path):
    (tmp_path / "pack.zip.part").write_bytes(body)
    assert download(offered(server, body), tmp_path).read_bytes() == body


def test_part_longer_than_the_file_is_thrown_away(server, body, tmp_path):
    (tmp_path / "pack.zip.part").write_bytes(body + b"more")
    assert download(offered(server, body), tmp_path).read_bytes() == body


def test_wrong_bytes_in_the_part_are_found_by_the_checksum_and_removed(server, body, tmp_path):
    (tmp_path / "pack.zip.part").write_bytes(b"\0" * MIB)
    archive = offered(server, body)
    with pytest.raises(RequestError, match=r"pack\.zip .* not the published file \(sha1:.*removed"):
        download(archive, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert download(archive, tmp_path).read_bytes() == body


def test_wrong_file_under_the_right_name_is_fetched_again(server, body, tmp_path):
    (tmp_path / "pack.zip").write_bytes(b"mine")
    assert download(offered(server, body), tmp_path).read_bytes() == body
    assert (tmp_path / "pack.zip.old").read_bytes() == b"mine", "what is not ours is kept"


def test_busy_server_is_asked_again_and_a_missing_file_is_not(server, body, tmp_path):
    server.statuses = [503, 429]
    assert download(offered(server, body), tmp_path).read_bytes() == body
    server.asked.clear()
    gone = replace(offered(server, body), urls=(f"{server.address}/gone.zip",), name="gone.zip")
    with pytest.raises(RequestError, match=r"gone\.zip: the server answers 404"):
        download(gone, tmp_path)
    assert len(server.asked) == 1


def test_attempts_are_bounded(server, body, tmp_path):
    server.statuses = [500] * 100
    with pytest.raises(RequestError, match="the server answers 500 after 5 attempts"):
        download(offered(server, body), tmp_path)
    assert len(server.asked) == 5


def test_second_address_is_taken_where_the_first_fails(server, body, tmp_path):
    archive = offered(server, body)
    archive = replace(archive, urls=(f"{server.address}/gone", *archive.urls))
    assert download(archive, tmp_path).read_bytes() == body


def test_second_address_is_taken_where_the_first_has_another_file(server, body, tmp_path):
    archive = offered(server, body)
    server.files["/page"] = b"<p>log in to this network first</p>"
    archive = replace(archive, urls=(f"{server.address}/page", *archive.urls))
    assert download(archive, tmp_path).read_bytes() == body


def test_no_server_at_all_is_one_line(tmp_path, server, body):
    archive = replace(offered(server, body), urls=("http://127.0.0.1:9/pack.zip",))
    with pytest.raises(RequestError, match="refused") as error:
        download(archive, tmp_path)
    assert "\n" not in str(error.value)


def test_full_disk_is_one_line_and_keeps_what_arrived(server, body, tmp_path, monkeypatch):
    dataset = replace(FMA, archives=(offered(server, body),))
    (tmp_path / "pack.zip.part").write_bytes(body[:MIB])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=MIB))
    with pytest.raises(RequestError, match=r"no room in .*2,097,169 bytes are to come and 1,048,576 are free"):
        fetch(dataset, tmp_path)
    assert (tmp_path / "pack.zip.part").stat().st_size == MIB


@pytest.mark.parametrize("length", [True, False])
def test_an_answer_without_end_is_cut_off_and_the_next_address_is_taken(server, body, tmp_path, length):
    archive = offered(server, body)
    server.files["/endless"] = body * 20
    server.lengths = length
    archive = replace(archive, urls=(f"{server.address}/endless", *archive.urls))
    sizes = []
    progress = SimpleNamespace(
        begin=lambda *_: None,
        end=lambda: None,
        message=lambda _: None,
        advance=lambda: sizes.append((tmp_path / "pack.zip.part").stat().st_size),
    )
    assert download(archive, tmp_path, progress=progress).read_bytes() == body
    assert max(sizes) < 2 * archive.most_bytes
    assert [path.name for path in tmp_path.iterdir()] == ["pack.zip"]
    alone = replace(archive, urls=archive.urls[:1], name="other.zip")
    with pytest.raises(RequestError, match=r"endless: more than the 3,303,033 bytes that other\.zip can have"):
        download(alone, tmp_path)


def test_a_server_that_sends_hardly_anything_is_given_up(server, body, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "_TIMEOUT", 0.2)
    server.pauses = 0.05
    with pytest.raises(RequestError, match=r"the server sent \d bytes in 0 s after 5 attempts"):
        download(offered(server, body), tmp_path)
    assert 5 <= (tmp_path / "pack.zip.part").stat().st_size < 100


@pytest.mark.parametrize("size", ["some", "7 GB", "7.2GiB", ""])
def test_an_archive_states_its_size(size):
    with pytest.raises(RequestError, match="write it as 7"):
        Archive(name="a.zip", urls=(), checksum="sha1:0", size=size, holds="a")


def fma_archives(server, tmp_path):
    """FMA in small, zipped as published."""
    folder = write_fma(tmp_path / "origin")
    for track in range(2, 10):
        place = folder / "fma_small" / "000" / f"{track:06d}.mp3"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(bytes([track]) * 1000)
    archives = []
    for name in ("metadata", "small"):
        shutil.make_archive(str(folder / f"fma_{name}"), "zip", folder, f"fma_{name}")
        packed = (folder / f"fma_{name}.zip").read_bytes()
        archives.append(offered(server, packed, name=f"fma_{name}.zip", holds=f"fma_{name}"))
    return replace(FMA, archives=tuple(archives))


def test_fma_is_fetched_unpacked_and_read_and_a_second_fetch_asks_nothing(server, tmp_path):
    dataset = fma_archives(server, tmp_path)
    to = tmp_path / "here"
    assert fetch(dataset, to) == [to / "fma_metadata", to / "fma_small"]
    manifest = open_source(f"fma:{to}")
    assert next(iter(manifest)).path.read_bytes() == b"\2" * 1000
    server.asked.clear()
    for archive in dataset.archives:
        (to / archive.name).unlink()
    fetch(dataset, to)
    assert server.asked == []


def test_gtzan_is_fetched_from_a_tar_and_its_lists_are_used(server, tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tape:
        for genre in ("blues", "rock"):
            for number in range(3):
                info = tarfile.TarInfo(f"genres/{genre}/{genre}.{number:05d}.wav")
                info.size = 4
                tape.addfile(info, io.BytesIO(b"RIFF"))
    archives = [offered(server, packed.getvalue(), name="genres.tar.gz", holds="genres")]
    for number, name in enumerate(("train", "valid", "test")):
        lines = f"blues/blues.{number:05d}.wav\nrock/rock.{number:05d}.wav\n"
        archives.append(offered(server, lines.encode(), name=f"{name}_filtered.txt"))
    fetch(replace(GTZAN, archives=tuple(archives)), tmp_path)
    splits = {track.track_id: track.split for track in open_source(f"gtzan:{tmp_path}")}
    assert splits["rock.00002"] == "test"
    assert len(splits) == 6


def test_magnatagatune_is_fetched_in_pieces_and_joined(server, tmp_path):
    origin = tmp_path / "origin"
    for place in write_magnatagatune(origin):
        place.write_bytes(b"sound of " + place.name.encode())
    zipped = write_zip(
        tmp_path / "mp3.zip", [(f"{p.parent.name}/{p.name}", p.read_bytes()) for p in origin.glob("?/*")]
    )
    packed, third = zipped.read_bytes(), -(-zipped.stat().st_size // 3)
    lists = [
        offered(server, (origin / name).read_bytes(), name=name)
        for name in ("annotations_final.csv", "clip_info_final.csv")
    ]
    parts = [offered(server, packed[k * third : (k + 1) * third], name=f"mp3.zip.00{k + 1}") for k in range(3)]
    whole = replace(MAGNATAGATUNE.archives[-1], parts=tuple(parts))
    dataset = replace(MAGNATAGATUNE, archives=(*lists, whole))
    to = tmp_path / "here"
    fetch(dataset, to)
    assert next(iter(open_source(f"magnatagatune:{to}"))).path.read_bytes() == b"sound of ann-0-29-58.mp3"
    assert not (to / "mp3.zip").exists(), "the joined copy would take the room twice"
    server.asked.clear()
    fetch(dataset, to)
    assert server.asked == []
    with pytest.raises(RequestError, match=r"mp3\.zip\.002 cannot be fetched: .*not the published file"):
        download(replace(whole, parts=(parts[0], replace(parts[1], checksum="md5:" + "0" * 32))), tmp_path / "again")


def test_lists_of_mtg_jamendo_without_checksum_are_fetched_whole_and_their_digest_is_told(server, tmp_path):
    write_mtg_jamendo(tmp_path / "origin", subset="genre", split=3)
    (tmp_path / "audio" / "48").mkdir(parents=True)
    archives = []
    for archive in (a for a in MTG_JAMENDO.portion("genre") if "split-3" in a.name):
        server.files[f"/{archive.name}"] = (tmp_path / "origin" / archive.name).read_bytes()
        archives.append(replace(archive, urls=(f"{server.address}/{archive.name}",)))
    assert len(archives) == 3
    stale = tmp_path / f"{archives[0].name}.part"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"something else")
    told = []
    progress = SimpleNamespace(begin=lambda *_: None, end=lambda: None, advance=lambda *_: None, message=told.append)
    fetch(replace(MTG_JAMENDO, archives=tuple(archives)), tmp_path, subset="genre", progress=progress)
    assert len(open_source(f"mtg-jamendo:{tmp_path}", subset="genre:3")) == 6
    assert f"sha256:{hashlib.sha256(server.files[f'/{archives[0].name}']).hexdigest()}" in told[0]
    with pytest.raises(RequestError, match="without one, only https is safe"):
        replace(archives[0], urls=("http://example.org/x.tsv",))


def test_two_fetches_into_one_folder_do_not_meet(server, tmp_path):
    import filelock

    with filelock.FileLock(tmp_path / ".fetch.lock"), pytest.raises(RequestError, match="another fetch"):
        fetch(fma_archives(server, tmp_path), tmp_path)


def write_zip(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        for entry, content in entries:
            pack.writestr(entry, content)
    return path


def zip_link():
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "a/../../out.txt", "/out.txt", "C:/out.txt", "a\\..\\out.txt", "a/\x01b", "a\u202eb", "x" * 300, ""],
)
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_names_that_lead_out_are_refused_before_anything_is_written(tmp_path, name, kind):
    target = tmp_path / "in"
    target.mkdir()
    path = tmp_path / f"pack.{kind}"
    if kind == "zip":
        if not name:
            pytest.skip("zipfile writes no empty names")
        write_zip(path, [("good.txt", "x"), (name, "x")])
    else:
        with tarfile.open(path, "w:gz") as tape:
            for entry in ("good.txt", name):
                info = tarfile.TarInfo(entry)
                info.size = 1
                tape.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(RequestError, match="may lead out of the target; nothing of it is unpacked"):
        unpack(path, target)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    info = tarfile.TarInfo("thing")
    info.type = kind
    info.linkname = "/etc/passwd"
    with tarfile.open(tmp_path / "p.tar.gz", "w:gz") as tape:
        tape.addfile(info)
    with pytest.raises(RequestError, match="'thing' is a link or device"):
        unpack(tmp_path / "p.tar.gz", tmp_path / "in")


def test_links_in_a_zip_and_links_that_stand_in_the_target_are_refused(tmp_path):
    target = tmp_path / "in"
    target.mkdir()
    with pytest.raises(RequestError, match="'link' is a link or device"):
        unpack(write_zip(tmp_path / "a.zip", [(zip_link(), "/etc")]), target)
    (target / "sub").symlink_to(tmp_path)
    with pytest.raises(RequestError, match="a place outside"):
        unpack(write_zip(tmp_path / "b.zip", [("sub/x.txt", "x")]), target)
    (target / "y.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RequestError, match=r"a file where .* stands"):
        unpack(write_zip(tmp_path / "c.zip", [("y.txt", "y")]), target)
    assert not (tmp_path / "x.txt").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_two_files_in_one_place_are_refused(tmp_path):
    with pytest.raises(RequestError, match="a second file in one place"):
        unpack(write_zip(tmp_path / "a.zip", [("a/x", "1"), ("a/X", "2")]), tmp_path)


def test_archive_that_grows_beyond_its_bound_is_refused(tmp_path):
    path = write_zip(tmp_path / "bomb.zip", [("zeros", b"\0" * 5 * MIB)])
    with pytest.raises(RequestError, match="5,242,880 bytes, more than the 1,048,576 bytes expected"):
        unpack(path, tmp_path, most_bytes=MIB)
    assert not (tmp_path / "zeros").exists()


def test_unpacking_goes_on_where_it_stopped(tmp_path):
    path = write_zip(tmp_path / "a.zip", [(f"d/{i}.txt", str(i) * 100) for i in range(5)])
    assert unpack(path, tmp_path) == 5
    assert unpack(path, tmp_path) == 0
    (tmp_path / "d" / "3.txt").write_text("mine")
    (tmp_path / "d" / "4.txt").unlink()
    (tmp_path / ".a.zip.unpacking" / "d").mkdir(parents=True)
    (tmp_path / ".a.zip.unpacking" / "d" / "4.txt").write_text("left behind")
    assert unpack(path, tmp_path) == 2
    assert [(tmp_path / "d" / f"{i}.txt").read_text() for i in range(5)] == [str(i) * 100 for i in range(5)]
    assert (tmp_path / "d" / "3.txt.old").read_text() == "mine", "what is not ours is kept"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.zip", "d"]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_damaged_archives_are_refused_at_every_length(tmp_path, kind):
    whole = tmp_path / f"whole.{kind}"
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.txt").write_bytes(np.random.default_rng(1).bytes(3000))
    shutil.make_archive(str(tmp_path / "whole"), "zip" if kind == "zip" else "gztar", tmp_path, "tree")
    packed = whole.read_bytes()
    target = tmp_path / "in"
    for length in range(0, len(packed) - 30, 97):
        cut = tmp_path / f"cut.{kind}"
        cut.write_bytes(packed[:length])
        target.mkdir()
        with pytest.raises(RequestError, match="damaged") as error:
            unpack(cut, target)
        assert "\n" not in str(error.value)
        assert not list(target.rglob("*.txt"))
        shutil.rmtree(target)


def test_a_name_that_is_not_the_text_it_claims_to_be_is_damage(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("é.txt", "1")])
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xa4\xff"))
    with pytest.raises(RequestError, match=r"a\.zip: damaged: 'utf-8' codec can't decode"):
        unpack(path, tmp_path / "in")


def test_full_disk_while_unpacking_leaves_whole_files_only(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "a.zip", [("1.txt", "1" * 100), ("2.txt", "2" * 100)])
    copy = shutil.copyfileobj

    def full_after_the_first(source, sink, *length):
        if "2.txt" in sink.name:
            sink.write(b"2")
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, sink, *length)

    monkeypatch.setattr(shutil, "copyfileobj", full_after_the_first)
    with pytest.raises(OSError, match="No space left"):
        unpack(path, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.txt", "a.zip"]


def test_encrypted_and_unknown_archives_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("x", "x")])
    packed = bytearray(path.read_bytes())
    packed[packed.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(packed)
    with pytest.raises(RequestError, match="'x' is encrypted"):
        unpack(path, tmp_path)
    (tmp_path / "a.rar").touch()
    with pytest.raises(RequestError, match=r"neither \.zip nor \.tar\.gz"):
        unpack(tmp_path / "a.rar", tmp_path)
