"""Files and folders: the small helpers of 1.x."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PathLike = str | Path


def is_filepath(x: Any) -> bool:
    """Whether ``x`` is a string or a Path."""
    return isinstance(x, (str, Path))


def fopen(filepath: PathLike, *args: Any, **kwargs: Any) -> Any:
    """Opens a file given as a string or a Path, as ``open`` does."""
    if not is_filepath(filepath):
        raise ValueError(f"`filepath` should be a string or a Path, but got {type(filepath)}")
    return open(filepath, *args, **kwargs)


def check_file_exist(filename: PathLike, msg_tmpl: str = 'file "{}" does not exist') -> None:
    """Raises FileNotFoundError with ``msg_tmpl`` if ``filename`` is not a file."""
    if not os.path.isfile(filename):
        raise FileNotFoundError(msg_tmpl.format(filename))


def mkdir_or_exist(dir_name: PathLike, mode: int = 0o777) -> None:
    """Creates a folder and its parents; ``~`` is expanded, an empty name means nothing to do."""
    if str(dir_name) == "":
        return
    os.makedirs(os.path.expanduser(dir_name), mode=mode, exist_ok=True)


def symlink(src: PathLike, dst: PathLike, overwrite: bool = True, **kwargs: Any) -> None:
    """Makes ``dst`` a link to ``src``; at no instant is there no ``dst`` while one is replaced.

    Args:
        src: what the link contains; relative to the folder of ``dst``.
        dst: the link.
        overwrite: replace an existing file or link.
        kwargs: passed to ``os.symlink``.
    """
    if not (overwrite and os.path.lexists(dst)):
        os.symlink(src, dst, **kwargs)
        return
    beside = f"{dst}.{os.getpid()}.tmp"
    os.symlink(src, beside, **kwargs)
    try:
        os.replace(beside, dst)
    except OSError:  # dst is a folder
        os.remove(beside)
        raise


def scandir(
    dir_path: PathLike,
    suffix: str | tuple[str, ...] | None = None,
    recursive: bool = False,
    case_sensitive: bool = True,
) -> Iterator[str]:
    """Yields the files of a folder, sorted, as paths relative to it; hidden files are left out.

    Args:
        dir_path: the folder.
        suffix: only files that end so.
        recursive: go into sub-folders.
        case_sensitive: compare ``suffix`` literally.
    """
    if not is_filepath(dir_path):
        raise TypeError('"dir_path" must be a string or Path object')
    if not (
        suffix is None
        or isinstance(suffix, str)
        or (isinstance(suffix, tuple) and all(isinstance(s, str) for s in suffix))
    ):
        raise TypeError('"suffix" must be a string or tuple of strings')
    if suffix is not None and not case_sensitive:
        suffix = suffix.lower() if isinstance(suffix, str) else tuple(s.lower() for s in suffix)

    def is_wanted(path: str) -> bool:
        return suffix is None or (path if case_sensitive else path.lower()).endswith(suffix)

    return (p for p, is_dir in walk(dir_path, recursive=recursive) if not is_dir and is_wanted(p))


def walk(root: PathLike, *, recursive: bool) -> Iterator[tuple[str, bool]]:
    """Yields (path relative to ``root``, whether it is a folder), sorted; no hidden files."""
    folders = [os.fspath(root)]
    while folders:
        here = folders.pop()
        with os.scandir(here) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        below = []
        for entry in found:
            relative = os.path.relpath(entry.path, root)
            if entry.is_dir():
                yield relative, True
                below.append(entry.path)
            elif entry.is_file() and not entry.name.startswith("."):
                yield relative, False
        if recursive:
            folders += reversed(below)


def find_vcs_root(path: PathLike, markers: Sequence[str] = (".git",)) -> str | None:
    """Returns the nearest folder at or above ``path`` that holds one of ``markers``, or None."""
    here = Path(os.path.abspath(os.path.expanduser(path)))
    here = here.parent if here.is_file() else here
    for folder in (here, *here.parents):
        if any((folder / marker).exists() for marker in markers):
            return str(folder)
    return None
