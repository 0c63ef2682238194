"""Extraction: a manifest becomes a feature table, in parallel, and only what is new or changed is computed.

A row stands for the bytes of its file: it is computed again when the file's digest has changed, and never
otherwise. A track that failed is not tried again while its file stays the same, unless the reason was one that
may pass (no such file, no permission, a decoder not installed, out of time or memory, a worker that died).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import os
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from genreclf import __version__
from genreclf.audio import LONGEST_SECONDS, SHORTEST_SECONDS
from genreclf.datasets import open_source
from genreclf.datasets.manifest import Manifest, Track
from genreclf.errors import RequestError, TrackError
from genreclf.features import FeatureSet, find_feature_set
from genreclf.progress import SILENT, Progress
from genreclf.tables.store import Failure, StoredRow, TableStore
from genreclf.workers import TIMEOUT, Outcome, Stop, available_workers, check_timeout, run

MAY_PASS = frozenset({"missing", "no-permission", "needs-extra", "timeout", "memory", "crashed", "internal"})


@dataclass(frozen=True)
class Extraction:
    """What an extraction did.

    Parameters
    ----------
    path : the feature table.
    tracks : tracks of the source; `computed` of them now, `reused` from the table, `failed` without a row.
    others : rows in the table whose track is not in this source; they stay.
    interrupted : stopped before every track was done; the same command goes on.
    """

    path: Path
    tracks: int
    computed: int
    reused: int
    failed: tuple[Failure, ...]
    others: int
    features: int
    seconds: float
    interrupted: bool
    notes: tuple[str, ...]

    @property
    def missing(self) -> int:
        """Tracks that have neither a row nor a failure yet."""
        return self.tracks - self.computed - self.reused - len(self.failed)

    def summary(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        plain = asdict(self)
        return plain | {"path": str(self.path), "missing": self.missing}


@dataclass(frozen=True)
class _Request:
    """What to compute of every track: the same for the whole table."""

    feature_set: FeatureSet
    offset: float | None
    duration: float | None


@dataclass(frozen=True)
class _Row:
    """What a worker sends back for one track."""

    digest: str
    stat: list[int]
    values: tuple[float, ...]
    tags: tuple[str, str, str]


def extract(
    source: str | Path | Sequence[str | Path] | Manifest,
    path: Path | str,
    *,
    feature_set: str = "study",
    offset: float | None = None,
    duration: float | None = 30.0,
    jobs: int | None = None,
    timeout: float = TIMEOUT,
    progress: Progress = SILENT,
) -> Extraction:
    """Describe the tracks of a source and keep the features in a table.

    Parameters
    ----------
    source : a manifest CSV, a folder with a sub-folder a genre, files, ``fma:DIR``, ``gtzan:DIR``, or a manifest.
    path : the table to make or to complete.
    feature_set : which features, one of `genreclf.features.FEATURE_SETS`.
    offset, duration : seconds; without an offset a track that is at most a second longer than `duration` is
        described whole, a longer one by its middle.
    jobs : worker processes; one for each core by default. The table is the same whatever the number.
    timeout : seconds that one track may take before it counts as failed.

    Raises
    ------
    RequestError : the source has no tracks, an option makes no sense, or the table was made with other parameters
        or cannot be written.
    """
    start = time.perf_counter()
    chosen = find_feature_set(feature_set)
    _check_window(offset, duration)
    check_timeout(timeout)
    threads = available_workers(jobs)
    manifest = source if isinstance(source, Manifest) else open_source(source)
    if not manifest.tracks:
        raise RequestError("; ".join([f"{manifest.name}: no audio files there", *manifest.notes]))
    notes = [*manifest.notes, *_unlabelled(manifest)]
    for note in notes:
        progress.message(note)
    request = _Request(chosen, offset, duration)
    # Only what follows the opening, which may wait for another run, has something to finish after Ctrl-C.
    with (
        TableStore(Path(path), features=chosen.columns, meta=_meta(chosen, request), progress=progress) as store,
        Stop() as stop,
    ):
        todo = _todo(manifest, store, threads, stop)
        _compile_first(todo, stop, progress)
        try:
            computed = _compute(todo, store, request, jobs=jobs, timeout=timeout, stop=stop, progress=progress)
        except BaseException:
            with suppress(RequestError):  # the first trouble is the one to tell
                store.finish()
            raise
        store.finish()
        wanted = {track.track_id for track in manifest}
        return Extraction(
            path=store.path,
            tracks=len(manifest),
            computed=computed,
            reused=len(wanted & store.rows.keys()) - computed,
            failed=tuple(failure for key, failure in sorted(store.failures.items()) if key in wanted),
            others=len(store.rows.keys() - wanted),
            features=len(chosen.columns),
            seconds=time.perf_counter() - start,
            interrupted=stop.requested,
            notes=tuple(notes),
        )


def _unlabelled(manifest: Manifest) -> list[str]:
    if any(track.genre for track in manifest):
        return []
    return [f"{manifest.name}: no track has a genre; in a folder the sub-folders name the genres of the tracks in them"]


def _check_window(offset: float | None, duration: float | None) -> None:
    if offset is not None and not (math.isfinite(offset) and offset >= 0):
        raise RequestError(f"--offset {offset:g}: give seconds from the start, 0 or more")
    if duration is not None and not SHORTEST_SECONDS <= duration <= LONGEST_SECONDS:
        raise RequestError(
            f"--duration {duration:g}: give a number of seconds from {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g}"
        )


def _meta(feature_set: FeatureSet, request: _Request) -> dict[str, object]:
    packages = ("librosa", "numba", "numpy", "scipy", "soundfile", "soxr")
    versions = {"genreclf": __version__, "python": platform.python_version()}
    return {
        "feature_set": feature_set.name,
        "parameters": {
            "offset": request.offset,
            "duration": request.duration,
            "sample_rate": feature_set.sample_rate,
        },
        "columns": list(feature_set.columns),
        "versions": versions | {name: importlib.metadata.version(name) for name in packages},
    }


def _todo(manifest: Manifest, store: TableStore, threads: int, stop: Stop) -> list[Track]:
    """The tracks that need computing; rows of changed files are dropped and changed labels mended.

    After a stop is requested, files that were not looked at yet count as they were.
    """
    known = {track.track_id: row for track in manifest if (row := store.rows.get(track.track_id))}
    failed = {track.track_id: store.failures[track.track_id] for track in manifest if _settled(track, store)}
    suspects = [track for track in manifest if track.track_id in known or track.track_id in failed]
    digests = _digests(suspects, store, threads, stop)
    changed = {key for key, row in known.items() if digests[key] not in ("", row.digest)}
    relabelled = {
        track.track_id: identity
        for track in manifest
        if track.track_id in known.keys() - changed
        and (identity := _identity(track, known[track.track_id])) != known[track.track_id].identity
    }
    store.revise(drop=changed, relabel=relabelled)
    same = {key for key, failure in failed.items() if stop.requested or digests[key] == failure.digest}
    done = (known.keys() - changed) | same
    return [track for track in manifest if track.track_id not in done]


def _settled(track: Track, store: TableStore) -> bool:
    failure = store.failures.get(track.track_id)
    return failure is not None and failure.code not in MAY_PASS and bool(failure.digest)


def _digests(tracks: list[Track], store: TableStore, threads: int, stop: Stop) -> dict[str, str]:
    """Digests of the files as they are now; empty where a file cannot be read or a stop was requested before.

    A file whose size and time are as they were seen last is not read again.
    """
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(partial(_current_digest, seen=store.seen, stop=stop), (track.path for track in tracks))
        return dict(zip((track.track_id for track in tracks), found, strict=True))


def _current_digest(path: Path, *, seen: dict[str, list[object]], stop: Stop) -> str:
    if stop.requested:
        return ""
    try:
        stat = _stat(path)
        before = seen.get(_seen_key(path))
        if before and before[:2] == stat:
            return str(before[2])
        digest = file_digest(path)
    except OSError:
        return ""
    seen[_seen_key(path)] = [*stat, digest]
    return digest


def _seen_key(path: Path) -> str:
    return os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")


def _stat(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def file_digest(path: Path) -> str:
    """BLAKE2b of a file's bytes, 20 hexadecimal digits; empty for what is not a regular file."""
    if not path.is_file():
        return ""
    digest = hashlib.blake2b(digest_size=10)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _compile_first(todo: list[Track], stop: Stop, progress: Progress) -> None:
    """Compile the inner loops in one worker, so that the others find them ready."""
    from genreclf import features

    if not todo or stop.requested or features.is_compiled():
        return
    progress.message("compiling the inner loops, once for this machine; this takes some seconds")
    for outcome in run(_compile, [None], jobs=1, timeout=600.0):
        if outcome.error is not None:
            progress.message(f"the inner loops could not be compiled beforehand ({outcome.error})")


def _compile(_: None) -> float:
    from genreclf import features

    return features.compile_kernels()


def _compute(
    todo: list[Track],
    store: TableStore,
    request: _Request,
    *,
    jobs: int | None,
    timeout: float,
    stop: Stop,
    progress: Progress,
) -> int:
    computed = 0
    progress.begin("extract", len(todo))
    try:
        for outcome in run(partial(_describe, request=request), todo, jobs=jobs, timeout=timeout, stop=stop):
            track = todo[outcome.index]
            computed += _keep(track, outcome, store)
            progress.advance(track.name)
    finally:
        progress.end()
    return computed


def _keep(track: Track, outcome: Outcome[_Row | Failure], store: TableStore) -> bool:
    """Write what came of a track into the store; True when it is a row."""
    if isinstance(outcome.value, _Row):
        row = outcome.value
        store.append(_identity(track, row), row.values)
        store.seen[_seen_key(track.path)] = [*row.stat, row.digest]
        return True
    failure = outcome.value
    if failure is None and outcome.error is not None:
        failure = Failure(track.track_id, track.name, outcome.error.code, outcome.error.reason)
    if failure is not None:
        store.failures[track.track_id] = failure
    return False


def _describe(track: Track, *, request: _Request) -> _Row | Failure:
    """One track in a worker: digest, tags where they are wanted, features."""
    from genreclf.datasets.tags import read_tags
    from genreclf.features import extract_features

    stat, digest = _seen_of(track.path)
    try:
        row = extract_features(
            track.path, feature_set=request.feature_set, offset=request.offset, duration=request.duration
        )
    except TrackError as error:
        return Failure(track.track_id, track.name, error.code, error.reason, digest)
    tags = read_tags(track.path) if track.tagged else ("", "", "")
    return _Row(digest, stat, tuple(row.values()), tags)


def _seen_of(path: Path) -> tuple[list[int], str]:
    """Size, time and digest of a file; nothing of one that cannot be read, which the reader then gives a reason for."""
    try:
        return _stat(path), file_digest(path)
    except OSError:
        return [], ""


def _identity(track: Track, row: _Row | StoredRow) -> tuple[str, ...]:
    """The identity cells of a track; what the source does not tell is taken from the tags that the row holds."""
    artist, album, title = track.artist, track.album, track.title
    if track.tagged:
        tags = row.tags if isinstance(row, _Row) else row.identity[2:5]
        artist, album, title = (own or tag for own, tag in zip((artist, album, title), tags, strict=True))
    return (track.track_id, track.genre, artist, album, title, track.split, track.name, row.digest)
