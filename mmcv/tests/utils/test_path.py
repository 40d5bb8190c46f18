"""mmcv.utils.path: files and folders."""

import os
from pathlib import Path

import pytest

from mmcv.utils import path as paths


@pytest.fixture
def folder(tmp_path):
    for name in ("1.txt", "2.txt", "1.json", "2.JSON", ".hidden.txt", "sub/1.txt", "sub/b/3.json"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path


def test_is_filepath():
    assert paths.is_filepath("a") and paths.is_filepath(Path("a"))
    assert not paths.is_filepath(0) and not paths.is_filepath(b"a")


def test_fopen_takes_strings_and_paths_only(folder):
    for name in (str(folder / "1.txt"), folder / "1.txt"):
        with paths.fopen(name) as file:
            assert file.read() == "1.txt"
    with pytest.raises(ValueError, match="string or a Path"):
        paths.fopen(3)


def test_check_file_exist(folder):
    paths.check_file_exist(folder / "1.txt")
    with pytest.raises(FileNotFoundError, match="no_such_file"):
        paths.check_file_exist(folder / "no_such_file")
    with pytest.raises(FileNotFoundError, match="sub"):  # a folder is not a file
        paths.check_file_exist(folder / "sub")


def test_mkdir_or_exist(tmp_path, monkeypatch):
    paths.mkdir_or_exist("")
    paths.mkdir_or_exist(tmp_path / "a/b")
    paths.mkdir_or_exist(str(tmp_path / "a/b"))
    assert (tmp_path / "a/b").is_dir()
    monkeypatch.setenv("HOME", str(tmp_path))
    paths.mkdir_or_exist("~/c")
    assert (tmp_path / "c").is_dir()


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize("suffix", [None, ".txt", (".txt", ".json")])
@pytest.mark.parametrize("case_sensitive", [False, True])
def test_scandir_lists_what_os_walk_lists(folder, kind, recursive, suffix, case_sensitive):
    expected = set()
    for base, _, names in os.walk(folder):
        for name in names:
            if base != str(folder) and not recursive:
                continue
            text = name if case_sensitive else name.lower()
            if not name.startswith(".") and (suffix is None or text.endswith(suffix)):
                expected.add(os.path.relpath(os.path.join(base, name), folder))
    found = list(paths.scandir(kind(folder), suffix, recursive, case_sensitive=case_sensitive))
    assert set(found) == expected and len(found) == len(expected)


def test_scandir_rejects_other_types(folder):
    with pytest.raises(TypeError, match="dir_path"):
        list(paths.scandir(123))
    for suffix in (111, (".txt", 1)):
        with pytest.raises(TypeError, match="suffix"):
            list(paths.scandir(folder, suffix))


def test_symlink_replaces_files_and_links(folder):
    link = folder / "latest"
    paths.symlink("1.txt", link)
    paths.symlink("2.txt", link)
    assert os.readlink(link) == "2.txt"
    with pytest.raises(FileExistsError):
        paths.symlink("1.txt", link, overwrite=False)
    paths.symlink("2.txt", folder / "1.txt")
    assert (folder / "1.txt").is_symlink()
    before = set(os.listdir(folder))
    with pytest.raises(OSError):
        paths.symlink("1.txt", folder / "sub")
    assert set(os.listdir(folder)) == before  # nothing is left behind


def test_find_vcs_root(tmp_path):
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/a/b").mkdir(parents=True)
    (tmp_path / "repo/a/b/file.py").write_text("")
    root = str(tmp_path / "repo")
    for start in ("repo", "repo/a/b", "repo/a/b/file.py"):
        assert paths.find_vcs_root(tmp_path / start) == root
    assert paths.find_vcs_root(tmp_path / "repo/a", markers=("no_such_marker",)) is None
