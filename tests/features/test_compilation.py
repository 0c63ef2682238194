import os
import subprocess
import sys

import pytest

from genreclf.features import compilation, kernel_cache


@pytest.fixture
def no_writable_folder(monkeypatch, tmp_path):
    """Only a temporary folder can be written, as on a read-only installation with a read-only home."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    writable = kernel_cache._is_writable
    monkeypatch.setattr(kernel_cache, "_is_writable", lambda folder: temporary in folder.parents and writable(folder))
    monkeypatch.setattr(kernel_cache.tempfile, "gettempdir", lambda: str(temporary))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/nowhere")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    return temporary


def test_a_named_folder_is_followed(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "named"))
    assert kernel_cache.ensure_cache() == tmp_path / "named"


def test_where_nothing_can_be_written_a_temporary_folder_is_shared_through_the_environment(no_writable_folder):
    folder = kernel_cache.ensure_cache()
    assert no_writable_folder in folder.parents
    assert os.environ["NUMBA_CACHE_DIR"] == str(folder)
    assert kernel_cache.ensure_cache() == folder


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_a_temporary_folder_that_others_can_write_is_not_trusted(no_writable_folder):
    first = kernel_cache.ensure_cache()
    assert first.stat().st_mode & 0o077 == 0
    first.chmod(0o777)
    os.environ.pop("NUMBA_CACHE_DIR")
    assert kernel_cache.ensure_cache() != first


def test_where_the_package_cannot_be_written_the_users_cache_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/nowhere")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    (tmp_path / "file").touch()
    monkeypatch.setattr(kernel_cache, "_PACKAGE", tmp_path / "file")
    monkeypatch.setattr(kernel_cache, "_user_cache", lambda: tmp_path / "cache")
    assert kernel_cache.ensure_cache() == tmp_path / "cache"
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "cache")


@pytest.mark.parametrize(("system", "place"), [("linux", "x"), ("darwin", "Library"), ("win32", "local")])
def test_the_users_cache_is_where_the_system_keeps_caches(monkeypatch, tmp_path, system, place):
    monkeypatch.setattr(kernel_cache.sys, "platform", system)
    monkeypatch.setattr(kernel_cache.Path, "home", lambda: tmp_path)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    folder = kernel_cache._user_cache()
    assert tmp_path / place in folder.parents
    assert "genreclf" in folder.parts


def test_a_stamp_tells_that_a_sets_loops_are_compiled(monkeypatch, tmp_path):
    # Only the stamp moves: numba cannot bear that its folder changes between what it loads.
    monkeypatch.setattr(kernel_cache, "ensure_cache", lambda: tmp_path)
    assert not compilation.is_compiled()
    assert compilation.compile_kernels() > 0
    assert compilation.is_compiled()
    assert compilation.is_compiled("study")
    assert not compilation.is_compiled("fma")
    monkeypatch.setattr(kernel_cache, "_fingerprint", lambda: "another processor")
    assert not compilation.is_compiled()


def test_asking_whether_all_is_compiled_does_not_import_numba():
    code = "import sys; from genreclf.features import is_compiled; is_compiled(); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert done.stdout == "False\n"
