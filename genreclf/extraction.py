"""Extraction: a manifest becomes a feature table, in parallel, and only what is new or changed is computed.

A row stands for the bytes of its file: it is computed again when the file's digest has changed, and never
otherwise. A track that failed is not tried again while its file stays the same, unless the reason was one that
may pass (no such file, no permission, a decoder not installed, out of time or memory, a worker that died).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.audio import LATEST_OFFSET, LONGEST_SECONDS, SHORTEST_SECONDS, missing_extras
from genreclf.cluster import connected, run_on
from genreclf.datasets import find_dataset_folder, open_source
from genreclf.datasets.edits import Edits, edit_manifest
from genreclf.datasets.manifest import Manifest, Track
from genreclf.display import Displayed
from genreclf.errors import RequestError, TrackError
from genreclf.features import DEFAULT_SET, FeatureSet, find_feature_set
from genreclf.features.series import SeriesKind, find_kind
from genreclf.networks import named_corpora
from genreclf.progress import AUTOMATIC, Progress
from genreclf.remote import Url, at_hand, look_up
from genreclf.series import Header, SeriesStores, kinds_in, series_folder
from genreclf.tables.cells import escape, path_name
from genreclf.tables.labels import TAGS, join_tags
from genreclf.tables.meta import beside, read_meta
from genreclf.tables.parquet_store import open_store
from genreclf.tables.store import Failure, Seen, StoredRow, TableStore
from genreclf.versions import versions
from genreclf.weights import add
from genreclf.workers import TIMEOUT, Outcome, Stop, available_workers, check_timeout, run

if TYPE_CHECKING:
    import numpy as np
    from distributed import Client

    from genreclf.verification import Verification

_LIBRARIES = ("librosa", "numba", "numpy", "scipy", "soundfile", "soxr")
_REQUESTS = 16  # that wait for stores at once, to ask whether files have changed
MAY_PASS = frozenset(
    ("missing", "no-permission", "needs-extra", "timeout", "memory", "system", "crashed", "internal", "unreachable")
)


@dataclass(frozen=True, repr=False)
class Extraction(Displayed):
    """What an extraction did.

    Parameters
    ----------
    path : the feature table.
    tracks : tracks of the source; `computed` of them now, `reused` from the table, `failed` without a row.
    others : rows in the table whose track is not in this source; they stay.
    interrupted : stopped before every track was done; the same command goes on.
    series : the kinds of series beside the table.
    verified : how far rows lie from plain librosa's; None where that was not asked for.
    """

    path: Path
    tracks: int
    computed: int
    reused: int
    failed: tuple[Failure, ...]
    others: int
    features: int
    series: tuple[str, ...]
    seconds: float
    interrupted: bool
    notes: tuple[str, ...]
    verified: Verification | None = None

    def __repr__(self) -> str:
        counts = f"{self.computed} computed, {self.reused} reused, {len(self.failed)} failed"
        return f"<extraction to {self.path}: {self.tracks} tracks, {counts}{', stopped' if self.interrupted else ''}>"

    @property
    def failures(self) -> Path:
        """The list of the tracks that failed."""
        return beside(self.path, ".failed.csv")

    @property
    def missing(self) -> int:
        """Tracks that have neither a row nor a failure yet."""
        return self.tracks - self.computed - self.reused - len(self.failed)

    def summary(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        plain = asdict(self) | {"path": str(self.path), "missing": self.missing}
        return plain if self.verified else {name: value for name, value in plain.items() if name != "verified"}


@dataclass(frozen=True)
class _Request:
    """What to compute of every track; no row where that is there and series are to be added."""

    feature_set: FeatureSet
    series: tuple[SeriesKind, ...]
    offset: float | None
    duration: float | None
    row: bool = True


@dataclass(frozen=True)
class _Row:
    """What a worker sends back for one track."""

    digest: str
    stat: tuple[int, int] | None
    values: tuple[float, ...]
    series: dict[str, np.ndarray]
    tags: tuple[str, str, str]


def extract(
    source: str | Path | Sequence[str | Path] | Manifest,
    path: Path | str,
    *,
    feature_set: str | None = None,
    series: Sequence[str] | str = (),
    onnx: Path | str | None = None,
    offset: float | None = None,
    duration: float | None = 30.0,
    float32: bool = False,
    subset: str | None = None,
    artists: Path | str | None = None,
    split: Path | str | None = None,
    edits: Edits | Path | str | None = None,
    jobs: int | None = None,
    client: Client | str | None = None,
    timeout: float = TIMEOUT,
    verify: int = 0,
    progress: Progress = AUTOMATIC,
) -> Extraction:
    """Describe the tracks of a source and keep the features in a table.

    Parameters
    ----------
    source : a manifest CSV, a folder with a sub-folder a genre, or files, each a path or a URL; ``NAME:FOLDER`` of a
        data set; or a manifest.
    path : the table to make or to complete: a name in ``.csv``; or in ``.parquet``, see `genreclf.tables.parquet`.
    feature_set : which features, one of `genreclf.features.FEATURE_SETS`; None is the set of a table that is there
        already, `genreclf.features.DEFAULT_SET` for a new one.
    series : kinds of series to keep beside the table, see `genreclf.features.SERIES`; those that are there go on.
    onnx : a network of one's own, an ONNX file with its card beside it, whose family is joined to `feature_set`; it is
        installed, see `genreclf.weights.add`.
    offset, duration : seconds; without an offset a track that is at most a second longer than `duration` is
        described whole, a longer one by its middle.
    float32 : keep the features in single precision, in Parquet alone; a table that is there goes on as it is.
    subset, artists, split : see `genreclf.datasets.open_source`; not for a manifest that is open already.
    edits : labels to change, tracks to leave out and artists to merge, or the path of such a file; see
        `genreclf.datasets.edits`. Rows of tracks that are left out are taken out of the table.
    jobs : worker processes; one for each core by default. The table is the same whatever the number.
    client : a ``dask.distributed.Client``, the address of a scheduler or ``local:N``, to describe the tracks on a Dask
        cluster, whose workers must find them under the same paths; see `genreclf.cluster`.
    timeout : seconds that one track may take before it counts as failed.
    verify : compute so many tracks again by plain librosa and compare, see `genreclf.verify`.

    Raises
    ------
    RequestError : the source has no tracks, an option makes no sense, or the table was made with other parameters
        or cannot be written.
    """
    start = time.perf_counter()
    if onnx is not None:
        feature_set = "+".join(filter(None, (feature_set, add(onnx).prefix)))
    chosen = find_feature_set(feature_set or _set_of(Path(path), progress))
    kinds = _kinds(Path(path), [series] if isinstance(series, str) else series)
    weights, corpora = chosen.weights(), _corpora_of(source)
    _check_window(offset, duration)
    check_timeout(timeout)
    threads = available_workers(jobs)
    if isinstance(source, Manifest):
        manifest = source
    else:
        manifest = open_source(source, subset=subset, artists=artists, split=split)
    manifest, left_out = edit_manifest(manifest, edits)
    if not manifest.tracks:
        raise RequestError("; ".join([f"{manifest.name}: no audio files there", *manifest.notes]))
    notes = (*manifest.notes, *_unlabelled(manifest), *missing_extras(track.path for track in manifest))
    for note in notes:
        progress.message(note)
    request = _Request(chosen, kinds, offset, duration)
    # Only what follows the opening, which may wait for another run, has something to finish after Ctrl-C.
    with (
        connected(client, jobs=jobs) as cluster,
        open_store(
            Path(path),
            features=chosen.columns,
            meta=_meta(chosen, request, weights=weights, corpora=corpora),
            tags=manifest.has_tags,
            float32=float32 or (_made(Path(path)).get("dtype") == "float32"),
            progress=progress,
        ) as store,
        SeriesStores(series_folder(store.path), [_header(kind, request) for kind in kinds], progress=progress) as kept,
        Stop() as stop,
    ):
        try:
            todo, bare = _todo(manifest, store, kept, threads, stop, left_out=left_out)
            _compile_first(chosen, todo, stop, progress)
            computed = 0
            for tracks, row in ((todo, True), (bare, False)):
                request = replace(request, row=row)
                options: dict[str, Any] = {"jobs": jobs, "client": cluster, "timeout": timeout, "stop": stop}
                outcomes = _outcomes(tracks, request, **options, progress=progress)
                computed += _keep_all(tracks, outcomes, store, kept, progress) if tracks or row else 0
            failed = store.failures.items()
            store.revise(drop=[key for key, failure in failed if key in store.rows and failure.code not in MAY_PASS])
        except BaseException:
            with suppress(RequestError):  # the first trouble is the one to tell
                store.finish()
            raise
        store.finish()
        kept.finish({track_id: row.digest for track_id, row in store.rows.items()})
    wanted = {track.track_id for track in manifest}
    done = Extraction(
        path=store.path,
        tracks=len(manifest),
        computed=computed,
        reused=len((wanted & store.rows.keys()) - store.failures.keys()) - computed,
        failed=tuple(failure for key, failure in sorted(store.failures.items()) if key in wanted),
        others=len(store.rows.keys() - wanted),
        features=len(chosen.columns),
        series=tuple(kind.name for kind in kinds),
        seconds=time.perf_counter() - start,
        interrupted=stop.requested,
        notes=notes,
    )
    if not verify or done.interrupted:
        return done
    from genreclf import verification

    verified = verification.verify(manifest, store.path, tracks=verify, progress=progress)
    return replace(done, verified=verified)


def _set_of(path: Path, progress: Progress) -> str:
    """The feature set that a table goes on with."""
    name: str = _made(path).get("feature_set", DEFAULT_SET)
    if name != DEFAULT_SET:
        progress.message(f"{path}: goes on with its feature set, {name}; a new table would have {DEFAULT_SET}")
    return name


def _made(path: Path) -> dict[str, Any]:
    """What a table that is there was made with."""
    return (read_meta(path) if path.exists() else None) or {}


def _kinds(path: Path, requested: Sequence[str]) -> tuple[SeriesKind, ...]:
    """The kinds of series that are requested, and those that are beside the table."""
    return tuple(find_kind(name) for name in dict.fromkeys([*kinds_in(series_folder(path)), *requested]))


def _header(kind: SeriesKind, request: _Request) -> Header:
    parameters = {"offset": request.offset, "duration": request.duration, "sample_rate": float(kind.sample_rate)}
    return Header(kind.name, kind.bins, kind.frame_rate, parameters, kind.weights(), versions(*_LIBRARIES))


def _unlabelled(manifest: Manifest) -> list[str]:
    if manifest.has_tags or any(track.genre for track in manifest):
        return []
    return [f"{manifest.name}: no track has a genre; in a folder the sub-folders name the genres of the tracks in them"]


def _check_window(offset: float | None, duration: float | None) -> None:
    if offset is not None and not 0 <= offset <= LATEST_OFFSET:
        raise RequestError(f"offset={offset:g}: give seconds from the start, from 0 to {LATEST_OFFSET:,.0f}")
    if duration is not None and not SHORTEST_SECONDS <= duration <= LONGEST_SECONDS:
        raise RequestError(
            f"duration={duration:g}: give a number of seconds from {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g}"
        )


def _corpora_of(source: str | Path | Sequence[str | Path] | Manifest) -> list[str]:
    """The corpora that a source says it is, by the name of a data set or of its file or folder."""
    if isinstance(source, Manifest):
        return named_corpora([source.name])
    names = [source] if isinstance(source, str | Path) else source
    datasets = [found[0].name for name in names if (found := find_dataset_folder(name))]
    return datasets or named_corpora(part for name in names for part in Path(name).absolute().parts[-2:])


def _meta(
    feature_set: FeatureSet, request: _Request, *, weights: dict[str, str], corpora: list[str]
) -> dict[str, object]:
    return {
        "feature_set": feature_set.name,
        "parameters": {
            "offset": request.offset,
            "duration": request.duration,
            "sample_rate": feature_set.sample_rate,
        },
        "columns": list(feature_set.columns),
        **{name: value for name, value in (("weights", weights), ("corpora", corpora)) if value},
        "versions": versions(*_LIBRARIES),
    }


def _todo(
    manifest: Manifest, store: TableStore, kept: SeriesStores, threads: int, stop: Stop, *, left_out: Collection[str]
) -> tuple[list[Track], list[Track]]:
    """The tracks that need computing, and those whose row is there and series are not; none after a stop.

    Rows of changed files are dropped, changed labels mended.
    """
    digests = _digests([track for track in manifest if _is_known(track, store)], store.seen, threads, stop)
    todo: list[Track] = []
    bare: list[Track] = []
    changed = store.rows.keys() & set(left_out)
    relabelled: dict[str, tuple[str, ...]] = {}
    for track in manifest:
        key = track.track_id
        row, digest = store.rows.get(key), digests.get(key, "")
        if row is None:
            if key not in digests or digest != store.failures[key].digest:
                todo.append(track)
        elif digest and (digest != row.digest or key in store.rewritten):
            changed.add(key)
            todo.append(track)
        else:
            if (identity := _identity(track, row, store)) != row.identity:
                relabelled[key] = identity
            if not kept.has(key, row.digest):
                bare.append(track)
    if stop.requested:
        return [], []
    store.revise(drop=changed, relabel=relabelled)
    return todo, bare


def _is_known(track: Track, store: TableStore) -> bool:
    """Whether a track has a row, or a failure that will not pass."""
    failure = store.failures.get(track.track_id)
    return track.track_id in store.rows or (
        failure is not None and failure.code not in MAY_PASS and bool(failure.digest)
    )


def _digests(tracks: list[Track], seen: Seen, threads: int, stop: Stop) -> dict[str, str]:
    """Digests of the files as they are now; empty where a file cannot be read or a stop was requested before.

    A file whose size and time are as they were seen last is not read again; nor is one elsewhere whose store gives it
    the same ETag.
    """
    from concurrent.futures import ThreadPoolExecutor

    digests = dict.fromkeys((track.track_id for track in tracks), "")
    unread: list[tuple[Track, tuple[int, int]]] = []
    elsewhere = [track for track in tracks if isinstance(track.path, Url)]
    with ThreadPoolExecutor(_REQUESTS) as pool:
        states = pool.map(lambda track: None if stop.requested else _stat(track.path), elsewhere)
        known = {track.track_id: state for track, state in zip(elsewhere, states, strict=True)}
    for track in tracks:
        if stop.requested:
            return digests
        stat = known[track.track_id] if track.track_id in known else _stat(track.path)
        if stat is not None:
            before = seen.get(_seen_key(track.path))
            if before and before[:2] == stat:
                digests[track.track_id] = before[2]
            else:
                unread.append((track, stat))
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda item: "" if stop.requested else _digest_now(item[0].path), unread)
        for (track, stat), digest in zip(unread, found, strict=True):
            digests[track.track_id] = digest
            if digest:
                seen[_seen_key(track.path)] = (*stat, digest)
    return digests


def _digest_now(place: Path | Url) -> str:
    try:
        with at_hand(place) as (path, _):
            return file_digest(path)
    except (OSError, TrackError):
        return ""


def _seen_key(place: Path | Url) -> str:
    return escape(str(place)) if isinstance(place, Url) else path_name(place.absolute())


def _stat(place: Path | Url) -> tuple[int, int] | None:
    """Size and time of a file, or what its store tells its states apart by; None where that is not known."""
    try:
        if isinstance(place, Url):
            return look_up(place)
        stat = place.stat()
    except (OSError, TrackError):
        return None
    return stat.st_size, stat.st_mtime_ns


def file_digest(path: Path) -> str:
    """BLAKE2b of a file's bytes, 20 hexadecimal digits; empty for what is not a regular file."""
    if not path.is_file():
        return ""
    digest = hashlib.blake2b(digest_size=10)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _compile_first(feature_set: FeatureSet, todo: list[Track], stop: Stop, progress: Progress) -> None:
    """Compile the inner loops in one worker, so that the others find them ready."""
    from genreclf import features

    if not todo or stop.requested or features.is_compiled(feature_set):
        return
    progress.message("compiling the inner loops, once for this machine; this takes some seconds")
    for outcome in run(_compile, [feature_set], jobs=1, timeout=600.0):
        if outcome.error is not None:
            progress.message(f"the inner loops could not be compiled beforehand ({outcome.error})")


def _compile(feature_set: FeatureSet) -> float:
    from genreclf import features

    return features.compile_kernels(feature_set)


def _outcomes(
    todo: list[Track],
    request: _Request,
    *,
    jobs: int | None,
    client: Client | None,
    timeout: float,
    stop: Stop,
    progress: Progress,
) -> Iterator[Outcome[_Row | Failure]]:
    """What comes of each track, from the workers of this machine or of a cluster."""
    describe = partial(_describe, request=request)
    if client is None:
        return run(describe, todo, jobs=jobs, timeout=timeout, stop=stop)
    places = (track.path for track in todo)
    landmark = next((place for place in places if not isinstance(place, Url) and place.is_file()), None)
    probe = partial(_nature, feature_set=request.feature_set, landmark=landmark)
    return run_on(client, describe, todo, probe=probe, timeout=timeout, stop=stop, report=progress.message)


def _nature(_: None, *, feature_set: FeatureSet, landmark: Path | None) -> dict[str, str]:
    """What must be the same on all machines: versions, the row of a test sound, and that the music is there."""
    import numpy as np

    from genreclf import features

    features.compile_kernels(feature_set)
    noise = np.random.default_rng(0).standard_normal(22050).astype(np.float32)
    row = features.describe(noise, 22050, feature_set=feature_set)
    found = versions(*_LIBRARIES)
    del found["python"]
    found["the row of a test sound"] = hashlib.blake2b(repr(row).encode(), digest_size=4).hexdigest()
    if landmark is not None:
        found[str(landmark)] = "readable" if landmark.is_file() else "not found"
    return found


def _keep_all(
    todo: list[Track],
    outcomes: Iterable[Outcome[_Row | Failure]],
    store: TableStore,
    kept: SeriesStores,
    progress: Progress,
) -> int:
    """Write what comes of the tracks into the stores; the number of those that were described."""
    computed = 0
    progress.begin("extract", len(todo))
    try:
        for outcome in outcomes:
            track = todo[outcome.index]
            computed += _keep(track, outcome, store, kept)
            progress.advance(track.name)
    finally:
        progress.end()
    return computed


def _keep(track: Track, outcome: Outcome[_Row | Failure], store: TableStore, kept: SeriesStores) -> bool:
    """Write what came of a track into the stores, series first; True when it is a row, or series of one."""
    if isinstance(outcome.value, _Row):
        row = outcome.value
        if store.can_hold(row.values):
            kept.append(track.track_id, row.digest, row.series)
            if row.values:
                store.append(_identity(track, row, store), row.values)
            if row.stat is not None:
                store.seen[_seen_key(track.path)] = (*row.stat, row.digest)
            return True
        reason = "a feature is beyond the range of single precision"
        store.failures[track.track_id] = Failure(track.track_id, track.name, "out-of-range", reason, row.digest)
        return False
    failure = outcome.value
    if failure is None and outcome.error is not None:
        failure = Failure(track.track_id, track.name, outcome.error.code, outcome.error.reason)
    if failure is not None:
        store.failures[track.track_id] = failure
    return False


def _describe(track: Track, *, request: _Request) -> _Row | Failure:
    """One track in a worker: digest, tags where they are wanted, features, series."""
    from genreclf.datasets.tags import read_tags
    from genreclf.features.description import describe_file

    digest = ""
    try:
        with at_hand(track.path) as (path, state):
            stat = state if isinstance(track.path, Url) else _stat(path)
            digest = _digest_now(path)
            row, series = describe_file(
                path,
                feature_set=request.feature_set if request.row else None,
                series=request.series,
                offset=request.offset,
                duration=request.duration,
            )
            tags = read_tags(path) if track.tagged else ("", "", "")
    except TrackError as error:
        return Failure(track.track_id, track.name, error.code, error.reason, digest)
    return _Row(digest, stat, tuple(row.values()), series, tags)


def _identity(track: Track, row: _Row | StoredRow, store: TableStore) -> tuple[str, ...]:
    """The identity cells of a track; what the source does not tell is taken from the row."""
    artist, album, title = track.artist, track.album, track.title
    if track.tagged:
        tags = row.tags if isinstance(row, _Row) else row.identity[2:5]
        artist, album, title = (own or tag for own, tag in zip((artist, album, title), tags, strict=True))
    cells = (track.track_id, track.genre, artist, album, title, track.split, track.name, row.digest)
    if TAGS not in store.identity:
        return cells
    there = row.identity[len(cells)] if isinstance(row, StoredRow) else ""
    return (*cells, join_tags(track.tags) if store.tags else there)
