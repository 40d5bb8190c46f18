"""Unpacks archives: checks their digests, goes on after an interruption, stays in its folder."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from tqdm import tqdm

from mmcv.registry import ConfigError

logger = logging.getLogger(__name__)

CHUNK = 1 << 22


class Archive(NamedTuple):
    """A file to be downloaded by hand.

    Attributes:
        name: of the file.
        sha1: of the file as published; "" if not known.
        required: the data set needs it.
    """

    name: str
    sha1: str = ""
    required: bool = True


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


def find_archive(archive: Archive, folder: Path) -> Path | None:
    """Returns the archive below ``folder``; None if it is optional and missing.

    Raises:
        ConfigError: it is required and missing.
    """
    found = sorted(folder.rglob(archive.name))
    if found:
        return found[0]
    if archive.required:
        have = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) if folder.is_dir() else ""
        raise ConfigError(f"{folder}: has no {archive.name} (it holds: {have or 'nothing'})")
    return None


def check_digest(archive: Archive, path: Path) -> None:
    """Warns if an archive is not the published one; unpacking finds damaged files anyway."""
    if not archive.sha1:
        return
    digest = hashlib.sha1(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != archive.sha1:
        logger.warning(
            "%s: SHA-1 is %s, that of the published file %s: another version, or damaged",
            *(path, digest.hexdigest(), archive.sha1),
        )


def unpack(path: Path, target: Path, rename: Callable[[str], str | None]) -> int:
    """Unpacks the files of an archive; those that are there in full size are kept.

    Args:
        path: zip or tar.
        target: folder.
        rename: name in the archive -> path below ``target``, None for what is not wanted.

    Returns:
        The number of files written.

    Raises:
        ConfigError: the archive is damaged, or a name leads out of ``target``.
    """
    written = 0
    try:
        with tqdm(_members(path), desc=path.name, unit="file") as bar:
            for member in bar:
                name = rename(member.name)
                if name is None:
                    continue
                file = _inside(target, name, path)
                if file.is_file() and file.stat().st_size == member.size:
                    continue
                _write(member, file)
                written += 1
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise ConfigError(f"{path}: cannot be unpacked: {error}; download it again") from error
    return written


def _write(member: Member, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.tmp")
    with member.open() as source, open(beside, "wb") as out:
        shutil.copyfileobj(source, out, CHUNK)
    beside.replace(file)


def _inside(target: Path, name: str, archive: Path) -> Path:
    file = (target / name).resolve()
    if not file.is_relative_to(target.resolve()):
        raise ConfigError(f"{archive}: {name!r} leads out of {target}")
    return file


def _members(path: Path) -> Iterator[Member]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield Member(info.filename, info.file_size, lambda i=info: archive.open(i))
        return
    with tarfile.open(path) as tar:
        for entry in tar:
            if entry.isfile():
                yield Member(
                    entry.name.removeprefix("./"), entry.size, lambda e=entry: _open(tar, e)
                )


def _open(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(entry)
    if file is None:
        raise tarfile.TarError(f"{entry.name} has no content")
    return file
