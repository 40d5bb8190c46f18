"""A checkpoint directory that exists whole or not at all.

All ranks write into a hidden directory beside the final place; sizes and digests of all files go
into ``manifest.json``; after everything is on disk the directory is renamed. A kill or a full disk
at any instant leaves the previous checkpoints as they were, and leftovers that no reader takes for
one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from mmcv.runner.dist_utils import all_gather_objects, broadcast_object, get_dist_info
from mmcv.runner.files import (
    CheckpointError,
    full_disk_errors,
    read_file,
    sync_folder,
    temporary_name,
)

MANIFEST = "manifest.json"
FORMAT = 1
MODEL_FILE = "mp_rank_00_model_states.pt"
FROZEN_FILE = "frozen_states.pt"
# What the original kept at the top level of the model file, without a ``meta``.
TOP_LEVEL = (
    "epoch",
    "iter",
    "CLASSES",
    "PALETTE",
    "config",
    "env_info",
    "seed",
    "exp_name",
    "hook_msgs",
    "mmseg_version",
    "mmdet_version",
)


@dataclass(frozen=True)
class Link:
    """A file of an earlier checkpoint that becomes a file of this one too.

    Attributes:
        file: where it is.
        entry: its size and digest, from the manifest it was written with.
    """

    file: Path
    entry: Mapping[str, Any]


Writer = Callable[[Any], None] | Link
Writers = Mapping[str, Writer]
Written = tuple[dict[str, Any], str | None]  # size and digest by file name, what went wrong


def write_directory(path: Path, writers: Writers, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Writes a checkpoint directory. Collective: every rank gives its own files.

    Args:
        path: the final place; what is there is replaced.
        writers: for each file of this rank, its relative path and what writes the content.
        facts: further entries of the manifest; those of rank 0 count.

    Returns:
        The manifest.

    Raises:
        CheckpointError: on every rank, if any rank could not write; nothing is left then.
    """
    temporary = begin_directory(path)
    return complete_directory(path, write_files(temporary, writers), facts)


def begin_directory(path: Path) -> Path:
    """Makes the place where the files of ``path`` are written first. Collective."""
    temporary = temporary_name(path)
    problem = _make_empty(temporary) if get_dist_info()[0] == 0 else None
    _raise_if([broadcast_object(problem)], path)
    return temporary


def write_files(folder: Path, writers: Writers) -> Written:
    """Writes this rank's files to disk; errors are returned. Not collective."""
    entries = {}
    for name, write in writers.items():
        try:
            if isinstance(write, Link):
                entries[name] = _link_file(folder / name, write)
            else:
                entries[name] = _write_file(folder / name, write)
        # A full disk is an OSError, which torch.save turns into a RuntimeError on its way.
        except (OSError, RuntimeError) as error:
            return {}, f"rank {get_dist_info()[0]}: {name}: {error}"
    return entries, None


def complete_directory(path: Path, written: Written, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Moves the directory to its place if all ranks have written their files. Collective.

    Args:
        path: the final place.
        written: what ``write_files`` returned on this rank.
        facts: as for ``write_directory``.
    """
    rank, _ = get_dist_info()
    everything = all_gather_objects(written)
    problems = [problem for _, problem in everything]
    files = {name: entry for entries, _ in everything for name, entry in entries.items()}
    manifest = {"format": FORMAT, **facts, "files": files}
    if not any(problems):
        problems = broadcast_object(
            [_commit(temporary_name(path), path, manifest)] if rank == 0 else None
        )
    if any(problems) and rank == 0:
        shutil.rmtree(temporary_name(path), ignore_errors=True)
    _raise_if(problems, path)
    return manifest


def _raise_if(problems: list[str | None], path: Path) -> None:
    texts = sorted({text for text in problems if text})
    if texts:
        raise CheckpointError(
            f"{path}: could not be saved: {'; '.join(texts)}; the previous checkpoint is intact"
        )


def read_manifest(path: Path) -> dict[str, Any]:
    """Returns the manifest of a checkpoint directory.

    Raises:
        CheckpointError: it is missing, damaged, or of a newer format.
    """
    file = path / MANIFEST
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"{file} is missing: {path} is no complete checkpoint of this project"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{file} is damaged: {error}") from None
    if manifest.get("format", FORMAT + 1) > FORMAT:
        raise CheckpointError(f"{file} has format {manifest.get('format')}, known is {FORMAT}")
    return manifest


def verify(path: Path, *, digests: bool = True) -> dict[str, Any]:
    """Checks that every file of a checkpoint directory is there and as it was written.

    Args:
        path: the directory.
        digests: also read all bytes and compare their sha256; else sizes only.

    Returns:
        The manifest.

    Raises:
        CheckpointError: names the first file that is wrong, and how.
    """
    manifest = read_manifest(path)
    for name, entry in sorted(manifest["files"].items()):
        _check_file(path / name, entry, digests=digests)
    return manifest


def verify_together(path: Path) -> dict[str, Any]:
    """Does ``verify`` with the digests divided among the ranks. Collective; raises on all ranks."""
    rank, world_size = get_dist_info()
    problem, manifest = None, {}
    try:
        manifest = verify(path, digests=False)
        for name, entry in sorted(manifest["files"].items())[rank::world_size]:
            _check_file(path / name, entry, digests=True)
    except CheckpointError as error:
        problem = str(error)
    problems = [text for text in all_gather_objects(problem) if text]
    if problems:
        raise CheckpointError(problems[0])
    return manifest


def read_directory(path: str | Path) -> dict[str, Any]:
    """Returns the model file of a DeepSpeed checkpoint directory, of this project or the original.

    Args:
        path: ``iter_N``, ``latest``, the ``global_stepN`` below it, or the file itself.

    Returns:
        ``module``: the state dict, on the CPU and memory-mapped; ``meta``; and what else is there.
    """
    path = Path(path)
    if path.name == MODEL_FILE:
        path = path.parent
    found = sorted(path.glob(MODEL_FILE)) or sorted(path.glob(f"global_step*/{MODEL_FILE}"))
    if not found:
        raise CheckpointError(f"{path}: is no DeepSpeed checkpoint: it has no {MODEL_FILE}")
    content = read_file(found[-1])
    if not isinstance(content, dict) or "module" not in content:
        raise CheckpointError(f"{found[-1]}: has no 'module', so it is no DeepSpeed model file")
    frozen = found[-1].with_name(FROZEN_FILE)
    if frozen.exists():
        content["module"] = {**read_file(frozen)["module"], **content["module"]}
    # The original mixed the meta data with DeepSpeed's own entries.
    content.setdefault("meta", {key: content[key] for key in TOP_LEVEL if key in content})
    return content


def save_tensors(content: Any) -> Callable[[Any], None]:
    """Returns a writer of ``torch.save(content)``."""
    return lambda file: torch.save(content, file)


def _make_empty(folder: Path) -> str | None:
    """Makes a new directory in place of what a kill may have left; returns what went wrong."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        return str(error)
    return None


class _HashingFile:
    """A file that computes the sha256 of what is written to it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        written = self._file.write(data)
        self.size += written
        return written

    def flush(self) -> None:
        self._file.flush()


def _write_file(path: Path, write: Callable[[Any], None]) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as raw:
        with full_disk_errors(raw) as watched:
            file = _HashingFile(watched)
            write(file)
        raw.flush()
        os.fsync(raw.fileno())
    return {"size": file.size, "sha256": file.sha256.hexdigest()}


def _link_file(path: Path, link: Link) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(link.file, path)
    except OSError:  # a file system without hard links
        with open(link.file, "rb") as source, open(path, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 22)
            target.flush()
            os.fsync(target.fileno())
    return dict(link.entry)


def _check_file(path: Path, entry: Mapping[str, Any], *, digests: bool) -> None:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing") from None
    if size != entry["size"]:
        raise CheckpointError(f"{path} has {size} bytes, the manifest says {entry['size']}")
    if not digests:
        return
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 22):
            digest.update(chunk)
    if digest.hexdigest() != entry["sha256"]:
        raise CheckpointError(
            f"{path} has sha256 {digest.hexdigest()[:16]}..., the manifest says "
            f"{entry['sha256'][:16]}...: the file was changed or damaged after it was written"
        )


def _commit(temporary: Path, path: Path, manifest: Mapping[str, Any]) -> str | None:
    """Writes the manifest and moves the directory to its place; returns what went wrong."""
    text = json.dumps(manifest, indent=1).encode()
    replaced = temporary_name(path.with_name(f"{path.name}.old"))
    try:
        _write_file(temporary / MANIFEST, lambda file: file.write(text))
        for folder in [temporary, *(p for p in temporary.rglob("*") if p.is_dir())]:
            sync_folder(folder)
        if path.exists():  # an earlier run got here too; it was resumed from before this point
            shutil.rmtree(replaced, ignore_errors=True)
            os.replace(path, replaced)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        return str(error)
    shutil.rmtree(replaced, ignore_errors=True)
    return None
