"""Audio where it lies: a real object store and a web server on this machine, with all that goes wrong on the way."""

from __future__ import annotations

import contextlib
import http.server
import io
import pickle
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
import soundfile
from listener import Listener
from made_sounds import sine
from without_workers import without_workers

from genreclf import remote
from genreclf.audio import load
from genreclf.datasets import open_source
from genreclf.datasets.guessing import artist_of
from genreclf.datasets.sources import tracks_of
from genreclf.errors import RequestError, TrackError
from genreclf.extraction import Extraction, extract
from genreclf.remote import Url, as_location, at_hand, is_url, look_up, redacted
from genreclf.tables.table import FeatureTable
from genreclf.transformer import AudioFeatures

SECRETS = ("AKIDSECRET", "topsecret")


def sound(frequency: float = 440.0) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, sine(frequency, 0.3), 22050, format="WAV")
    return content.getvalue()


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """An object store; the address of a bucket."""
    pytest.importorskip("s3fs")
    server_of = pytest.importorskip("moto.server").ThreadedMotoServer
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()):
        server = server_of("127.0.0.1", port=0, verbose=False)
        server.start()
        port = server.get_host_and_port()[1]
        patch.setenv("AWS_ACCESS_KEY_ID", SECRETS[0])
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS[1])
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        system().mkdir("bucket")
        yield "s3://bucket"
        server.stop()


def system():
    import s3fs

    return s3fs.S3FileSystem(skip_instance_cache=True)


class Web(http.server.BaseHTTPRequestHandler):
    """Answers by the name of the file: ``fault.2.wav`` goes wrong twice and then well, ``fault.wav`` always.

    The first body of ``parts/fault.wav`` is cut, and requests for the rest of it are answered by its name.
    """

    protocol_version = "HTTP/1.1"
    seen: ClassVar[Counter[str]] = Counter()
    sent: ClassVar[Counter[str]] = Counter()
    content, other = sound(), sound(441.0)

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/parts/"):
            self._rest()
            return
        fault, _, times = path[1:].removesuffix(".wav").partition(".")
        self.seen[self.command + path] += 1
        wrong = not times or self.seen["GET" + path] <= int(times)
        get = self.command == "GET"
        if fault.isdigit() and wrong:
            self.send_error(int(fault))
            return
        if fault == "slow" and wrong and get:
            time.sleep(0.6)
        body = self.content
        length = len(body)
        if fault == "longer" and wrong and not get:
            length += 7
        self.send_response(200)
        if fault != "plain":
            self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if get:
            self.wfile.write(body[: len(body) // 2] if fault == "cut" and wrong else body)
            self.close_connection = fault == "cut"

    def _rest(self) -> None:
        """The whole of a file, or the part of it that is asked for."""
        fault = self.path[len("/parts/") : -len(".wav")]
        times = self.seen[self.command + self.path] = self.seen[self.command + self.path] + 1
        body, etag = self.content, '"one"'
        if times > 1 and fault in {"changed", "mixed"}:
            body, etag = self.other, '"two"'
        asked = self.headers.get("Range", "bytes=-")[len("bytes=") : -1]
        if times > 2 or (fault == "changed" and self.headers.get("If-Range") != etag):
            asked = ""
        start = int(asked or 0)
        part = body[start : start + 10] if asked and fault == "short" else body[start:]
        begins = start + (1 if fault == "misplaced" else 0)
        self.send_response(416 if asked and fault == "beyond" else 206 if asked else 200)
        if not (asked and fault == "mute"):
            self.send_header("ETag", etag)
        if asked:
            self.send_header("Content-Range", f"bytes {begins}-{begins + len(part) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if self.command == "GET":
            if times == 1:
                part = part[:5000]
                self.close_connection = True
            self.wfile.write(part)
            self.sent[self.path] += len(part)
            time.sleep(0.05 if times == 1 else 0)  # what comes with the end of a connection is lost with it

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    pytest.importorskip("aiohttp")
    pytest.importorskip("fsspec")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(remote, "_SILENT_SECONDS", 0.25)
    without_workers(monkeypatch.setattr)


def extracted(source: object, table: Path) -> tuple[Extraction, str]:
    """What was done, and all that was said and written."""
    said: list[str] = []
    done = extract(source, table, feature_set="study", jobs=1, progress=Listener(said))  # type: ignore[arg-type]
    files = [p.read_text(errors="replace") for p in table.parent.rglob("*") if p.is_file() and p.suffix != ".wav"]
    return done, "\n".join([*said, repr(done), str(done.summary()), *files])


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:pa55@host:80/a.mp3", "https://host:80/a.mp3"),
        ("https://user:pa/55@host/a.mp3", "https://user/host/a.mp3"),
        ("https://host/a.mp3?id=5&X-Amz-Signature=abc&X-Amz-Date=1&Expires=3", "https://host/a.mp3?id=5"),
        ("https://host/a.mp3?%74oken=abc", "https://host/a.mp3"),
        ("https://host/a.mp3?sv=1&se=2&sp=r&sig=abc", "https://host/a.mp3"),
        ("https://host/a.mp3?key=abc#token=abc", "https://host/a.mp3"),
        ("https://host/@me/a.mp3?take=2", "https://host/@me/a.mp3?take=2"),
        ("zip://a@b.mp3::s3://key:pass@bucket/m.zip", "zip://a@b.mp3::s3://bucket/m.zip"),
        ("https://[::1]:80/a.mp3", "https://[::1]:80/a.mp3"),
    ],
)
def test_credentials_of_a_url_are_not_shown(address: str, shown: str) -> None:
    assert redacted(address) == shown
    if "[" not in address:
        url = Url(address)
        assert str(url) == shown
        assert repr(url) == f"Url({shown!r})"
        assert pickle.loads(pickle.dumps(url)).address == address  # noqa: S301 - as it goes to a worker


def test_what_is_a_url_and_what_a_path() -> None:
    assert [is_url(text) for text in ("s3://b/a.mp3", "C:/a.mp3", "a.mp3", "file:///a.mp3", "zip://a::b.zip")] == [
        True, False, False, False, True,
    ]  # fmt: skip
    assert as_location("a//b.mp3") == Path("a/b.mp3")
    url = Url("https://host/Fol%20der/A%20b.MP3?x=/c.wav")
    assert (url.name, url.suffix) == ("A b.MP3", ".MP3")
    assert Url("zip://rock/a.flac::s3://bucket/m.zip").suffix == ".flac"
    assert [artist_of(f"{place}/rock/Ann/a.mp3", "folders") for place in ("s3://b", "https://h", "zip:/")] == [
        "Ann"
    ] * 3
    with pytest.raises(RequestError, match=r"^ftp://host/a\.mp3: ftp:// is not read; choose from s3://, gs://"):
        Url("ftp://host/a.mp3")
    with pytest.raises(RequestError, match=r"filecache:// is not read"):
        Url("zip://a.mp3::filecache://x")
    with pytest.raises(RequestError, match=r"^s3://: a URL without a host or a bucket"):
        Url("s3://")
    with pytest.raises(TrackError, match="no archive is named"):
        look_up(Url("zip://a.mp3"))


def test_a_folder_of_a_store_is_described_as_one_of_this_disk(store: str, tmp_path: Path, monkeypatch) -> None:
    for place in ("folk/a.wav", "folk/deep/b.wav", "rock/c.wav", "rock/.hidden.wav", "rock/notes.txt"):
        content = sound(200.0 + len(place))
        system().pipe_file(f"{store}/music/{place}", content)
        (tmp_path / "music" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "music" / place).write_bytes(content)
    done, written = extracted(f"{store}/music", tmp_path / "far" / "t.csv")
    assert done.computed == 3
    extracted(tmp_path / "music", tmp_path / "near" / "t.csv")
    assert (tmp_path / "far" / "t.csv").read_bytes() == (tmp_path / "near" / "t.csv").read_bytes()
    assert not any(secret in written for secret in SECRETS)

    def read(*_: object) -> None:
        raise AssertionError("an unchanged file was read again")

    with monkeypatch.context() as watched:
        watched.setattr(remote, "_fetch", read)
        assert extracted(f"{store}/music", tmp_path / "far" / "t.csv")[0].reused == 3
    system().pipe_file(f"{store}/music/rock/c.wav", sound(999.0))
    again = extracted(f"{store}/music", tmp_path / "far" / "t.csv")[0]
    assert (again.computed, again.reused) == (1, 2)


def test_a_manifest_may_name_urls_of_all_kinds(store: str, web: str, tmp_path: Path) -> None:
    import fsspec

    system().pipe_file(f"{store}/one.wav", Web.content)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("in/two.wav", Web.content)
    system().pipe_file(f"{store}/all.zip", archive.getvalue())
    fsspec.filesystem("memory").pipe_file("/m/three.wav", Web.content)
    (tmp_path / "four.wav").write_bytes(Web.content)
    places = [
        f"{store}/one.wav",
        f"zip://in/two.wav::{store}/all.zip",
        "memory://m/three.wav",
        "four.wav",
        f"{web}/plain.wav?token={SECRETS[1]}",
        f"{store}/gone.wav",
    ]
    (tmp_path / "tracks.csv").write_text("path,genre\n" + "".join(f"{place},rock\n" for place in places))
    done, written = extracted(tmp_path / "tracks.csv", tmp_path / "out" / "t.csv")
    assert [(failure.track_id, failure.code) for failure in done.failed] == [(f"{store}/gone.wav", "missing")]
    table = FeatureTable.read(tmp_path / "out" / "t.csv")
    assert len(table) == 5
    assert (table.X[0] == table.X).all()
    assert f"{web}/plain.wav" in table.ids
    assert SECRETS[1] not in written
    again = extracted(tmp_path / "tracks.csv", tmp_path / "out" / "t.csv")[0]
    assert (again.computed, again.reused) == (0, 5), "also where the server tells nothing to know a change by"
    tracks = open_source(f"zip://::{store}/all.zip").tracks
    assert [(track.track_id, track.genre, str(track.path)) for track in tracks] == [
        ("in/two.wav", "in", f"zip://in/two.wav::{store}/all.zip")
    ]


@pytest.mark.parametrize("fault", ["500", "503", "429", "cut", "slow", "longer"])
def test_what_passes_is_waited_for(web: str, fault: str) -> None:
    samples, _ = load(f"{web}/{fault}.2.wav")
    assert len(samples) == 6615


@pytest.mark.parametrize(
    ("fault", "times"),
    [("none", 1), ("short", 2), ("misplaced", 2), ("changed", 1), ("mixed", 2), ("mute", 2), ("beyond", 2)],
)
def test_a_body_that_was_cut_is_gone_on_with_where_it_is_still_the_same(web: str, fault: str, times: int) -> None:
    """Whatever the server answers, the bytes are those of one state of the file."""
    with at_hand(Url(f"{web}/parts/{fault}.wav")) as (path, _):
        content = path.read_bytes()
    assert content == (Web.other if fault in {"changed", "mixed"} else Web.content)
    assert Web.seen[f"GET/parts/{fault}.wav"] == 1 + times
    if fault == "none":
        assert Web.sent["/parts/none.wav"] == len(content), "nothing was fetched twice"


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("500", "unreachable", "not fetched in 4 attempts: HTTP 500"),
        ("cut", "unreachable", "not fetched in 4 attempts: the connection was cut before the end"),
        ("slow", "unreachable", "not fetched in 4 attempts: nothing came for 0.25 s"),
        ("longer", "unreachable", "not fetched in 4 attempts: 13,274 bytes came where the store states 13,281"),
        ("403", "no-permission", "the store does not let this be read; see to the credentials"),
        ("404", "missing", "there is no such file"),
        ("418", "unreachable", "the server refuses it: HTTP 418"),
    ],
)
def test_what_does_not_pass_is_a_failure_with_a_code(web: str, fault: str, code: str, said: str) -> None:
    with pytest.raises(TrackError) as error:
        load(f"{web}/{fault}.wav?token=topsecret")
    assert (error.value.code, error.value.reason) == (code, said)
    assert str(error.value).startswith(f"{web}/{fault}.wav: ")
    tries = {"500": 4, "cut": 4, "slow": 4, "longer": 4}.get(fault, 1)
    assert Web.seen[f"HEAD/{fault}.wav"] == tries


class HttpError(Exception):
    """As gcsfs raises it."""

    code = 503


class AzureError(Exception):
    """As adlfs lets it through."""

    status_code: int | None = None


class ClientAuthenticationError(AzureError):
    """As adlfs lets it through."""

    status_code = 403


@pytest.mark.parametrize(
    ("place", "error", "code", "said"),
    [
        ("gs", HttpError("topsecret"), "unreachable", "not fetched in 2 attempts: HTTP 503"),
        ("gs", OSError("Forbidden: topsecret"), "no-permission", "the store does not let this be read"),
        ("az", AzureError("topsecret"), "unreachable", "not fetched in 4 attempts: the connection failed"),
        ("az", ClientAuthenticationError("topsecret"), "no-permission", "the store does not let this be read"),
        ("az", ValueError("Must provide either a connection_string or"), "no-permission", "no credentials for this"),
    ],
)
def test_errors_of_other_stores_have_codes_too(
    place: str, error: Exception, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(remote, "_fetch", fail)
    with pytest.raises(TrackError) as raised, at_hand(Url(f"{place}://bucket/a.wav")):
        pass
    assert raised.value.code == code
    assert raised.value.reason.startswith(said)
    assert "topsecret" not in str(raised.value)


def test_a_server_that_is_not_there_is_told_in_one_line(web: str) -> None:
    with pytest.raises(TrackError, match=r"^http://127\.0\.0\.1:1/a\.wav: not fetched in 4 attempts: [^\n]*unreach"):
        load("http://user:pass@127.0.0.1:1/a.wav")
    for address in ("zip://a.wav::" + web + "/plain.wav", "http://", "s3://", "https://[bad/a.wav", "zip://a.wav"):
        with pytest.raises((TrackError, RequestError)) as error, at_hand(as_location(address)):
            pass
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("manifest", "place", "found"),
    [
        ("s3://bucket/music/all.csv", "rock/a.mp3", "s3://bucket/music/rock/a.mp3"),
        ("gs://bucket/all.csv", "./rock//a.mp3", "gs://bucket/rock//a.mp3"),
        ("s3://bucket/music/all.csv", "../rock/a.mp3", "s3://bucket/rock/a.mp3"),
        ("s3://bucket/music/all.csv", "../../../a.mp3", "s3://bucket/a.mp3"),
        ("s3://bucket/music/all.csv", "/etc/passwd", "s3://bucket/etc/passwd"),
        ("s3://bucket/music/all.csv", "file:///etc/passwd", "s3://bucket/music/file:///etc/passwd"),
        ("https://me:pw@host/music/all.csv?sig=x", "100% a#b?.mp3", "https://me:pw@host/music/100%25%20a%23b%3F.mp3"),
        ("zip://music/all.csv::s3://bucket/m.zip", "rock/a.mp3", "zip://music/rock/a.mp3::s3://bucket/m.zip"),
        ("zip://all.csv::/disk/m.zip", "../a.mp3", "zip://a.mp3::/disk/m.zip"),
    ],
)
def test_a_path_in_a_manifest_elsewhere_is_beside_it(manifest: str, place: str, found: str) -> None:
    assert Url(manifest).beside(place).address == found


def test_a_manifest_elsewhere_makes_the_table_that_it_makes_here(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    far = fsspec.filesystem("memory")
    far.pipe_file("/lists/rock/a b.wav", Web.content)
    far.pipe_file("/lists/all.csv", b"path,genre\nrock/a b.wav,rock\nrock\\gone.wav,rock\n")
    far.pipe_file("/lists/bad.csv", b"path,genre\na.wav\n")
    (tmp_path / "rock").mkdir()
    (tmp_path / "rock/a b.wav").write_bytes(Web.content)
    (tmp_path / "all.csv").write_bytes(far.cat_file("/lists/all.csv"))
    tables = []
    for source, name in (("memory://lists/all.csv", "far"), (tmp_path / "all.csv", "near")):
        done = extracted(source, tmp_path / name / "t.csv")[0]
        assert [failure.track_id for failure in done.failed] == ["rock/gone.wav"]
        tables.append((tmp_path / name / "t.csv").read_bytes())
    assert tables[0] == tables[1]
    assert [str(track.path) for track in tracks_of(["memory://lists/all.csv"])] == [
        "memory://lists/rock/a b.wav", "memory://lists/rock/gone.wav",
    ]  # fmt: skip
    for place, said in (("bad", "line 2: 1 cell where the header has 2 columns; "), ("none", "there is no such file")):
        with pytest.raises(RequestError, match=rf"^memory://lists/{place}\.csv: {said}"):
            open_source(f"memory://lists/{place}.csv")


@pytest.mark.parametrize("path", ["s3://key:pw@bucket/t.csv", Path("s3://bucket/t.csv")])
def test_a_table_is_of_this_disk(path: str | Path, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(Web.content)
    for use in (FeatureTable.read, lambda place: extract(tmp_path, place)):
        with pytest.raises(
            RequestError, match=r"^s3://bucket/t\.csv: a URL; name a file on this disk, such as a copy$"
        ):
            use(path)


def test_a_transformer_takes_urls_and_knows_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    far = fsspec.filesystem("memory")
    far.pipe_file("/m/a.wav", Web.content)
    far.pipe_file("/m/b.wav", Web.other)
    (tmp_path / "a.wav").write_bytes(Web.content)
    features = AudioFeatures(feature_set="mfcc", memory=tmp_path / "cache")
    first = features.transform(["memory://m/a.wav", "memory://m/b.wav", tmp_path / "a.wav"])
    assert (first[0] == first[2]).all()
    assert (first[0] != first[1]).any()
    far.pipe_file("/m/a.wav", Web.other)
    assert (features.transform([Url("memory://m/a.wav")]) == first[1]).all()
    monkeypatch.setattr("genreclf.transformer.look_up", lambda _: None)
    assert (features.transform(["memory://m/a.wav", "memory://m/b.wav"]) == first[1]).all()
    far.pipe_file("/m/b.wav", Web.content)
    assert (features.transform(["memory://m/b.wav"]) == first[0]).all(), "nothing is kept of what cannot be known again"


def test_a_batch_takes_urls(web: str) -> None:
    tracks = list(tracks_of([f"{web}/plain.wav?token=topsecret", "gopher://host/a.mp3"]))
    assert str(tracks[0].path) == f"{web}/plain.wav"
    assert isinstance(tracks[1], TrackError)
    assert tracks[1].reason.startswith("gopher:// is not read")


def test_without_fsspec_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(TrackError, match=r'pip install "genreclf\[remote\]"'):
        load("https://host/a.wav")
    with pytest.raises(RequestError, match=r'pip install "genreclf\[remote\]"'):
        open_source("s3://bucket/music")
