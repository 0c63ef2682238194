"""Where the machine code of the inner loops is kept.

The first use on a machine compiles them, which takes some seconds; later processes load them from disk. They are kept
beside the package, where numba puts them unless it is told otherwise. Where that cannot be written, `ensure_cache`
names the user's cache folder, or a folder of the user's own among the temporary files, in the environment, so that
worker processes share it. ``NUMBA_CACHE_DIR``, if set to a writable folder, is followed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from genreclf.files import user_cache

_PACKAGE = Path(__file__).parent
_VARIABLE = "NUMBA_CACHE_DIR"


def ensure_cache() -> Path:
    """Choose the folder for compiled code; call it before numba is imported, and before workers are started.

    Returns
    -------
    The folder under which the machine code is kept; numba may use a folder further down.
    """
    named = os.environ.get(_VARIABLE)
    if named and _is_writable(Path(named)):
        return Path(named)
    beside = _PACKAGE / "__pycache__"
    if not named and _is_writable(beside):
        return beside
    folder = _user_cache()
    if not _is_writable(folder):
        folder = _temporary_cache()
    os.environ[_VARIABLE] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)
    return folder


def stamp(name: str) -> Path:
    """The file that says that the loops of a feature set are compiled for this interpreter, numba and processor."""
    return ensure_cache() / f"genreclf-kernels-{name}-{_fingerprint()}.stamp"


@lru_cache(maxsize=1)
def _fingerprint() -> str:
    """A digest of all that decides whether machine code on disk still fits."""
    from importlib.metadata import version

    parts = []
    for source in (_PACKAGE / name for name in ("kernels.py", "medians.py", "fourier.py", "vectors.py")):
        parts += [source.read_bytes(), str(source.stat().st_mtime_ns).encode()]
    parts += [text.encode() for text in (sys.version, version("numba"), version("llvmlite"), _processor())]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    kinds = ("model name", "flags", "CPU part", "Features")
    return "\n".join(sorted({line for line in lines if line.startswith(kinds)}))


def _user_cache() -> Path:
    return user_cache("kernels")


def _temporary_cache() -> Path:
    """A folder of this user's own: code is loaded from it, so nobody else may write there."""
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"genreclf-kernels-{owner}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if status.st_mode & 0o077 == 0 and status.st_uid == owner and not folder.is_symlink():
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="genreclf-kernels-"))


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
