"""Bytes of checkpoints: a kill or a full disk leaves the old file; reading one runs no code."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmcv.registry import ConfigError

# Set this variable to 1 to read files that need full unpickling, which can run any code.
UNSAFE_VARIABLE = "MMCV_ALLOW_PICKLE"


class CheckpointError(ConfigError):
    """A checkpoint that cannot be read, or does not fit; names the file and the reason."""


def save_file(path: str | Path, obj: Any) -> None:
    """Saves with ``torch.save`` so that ``path`` is either the old file or the complete new one.

    The bytes go beside it first, reach the disk, and are then renamed into place.
    """
    path = Path(path)
    beside = temporary_name(path)
    try:
        with open(beside, "wb") as file:
            with full_disk_errors(file) as watched:
                torch.save(obj, watched)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


class _Watched:
    """A file that keeps the error with which writing to it failed."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


@contextmanager
def full_disk_errors(file: Any) -> Iterator[Any]:
    """Yields ``file`` for ``torch.save``, whose own errors say nothing of a full disk.

    Raises:
        OSError: of the system, in place of torch's RuntimeError.
    """
    watched = _Watched(file)
    try:
        yield watched
    except RuntimeError as error:
        if watched.error is not None:
            raise watched.error from error
        raise


def temporary_name(path: Path) -> Path:
    """Returns the hidden name beside ``path`` that holds it while it is incomplete."""
    return path.with_name(f".{path.name}.tmp")


def sync_folder(folder: Path) -> None:
    """Makes renames in ``folder`` survive a power failure, where the system supports it."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse it for folders
        pass
    finally:
        os.close(handle)


def replace_link(link: Path, target: Path) -> None:
    """Lets ``link`` point to ``target`` in its folder, without a moment in which it is missing."""
    beside = temporary_name(link)
    beside.unlink(missing_ok=True)
    try:
        os.symlink(target.name, beside)
    except OSError:  # no links on this file system
        if target.is_file():
            shutil.copy(target, beside)
        else:
            return
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    os.replace(beside, link)


def read_file(path: str | Path, map_location: Any = "cpu") -> Any:
    """Reads ``.pth`` (memory-mapped if possible) or ``.safetensors``; runs no code of the file.

    Args:
        path: a file.
        map_location: as for ``torch.load``.

    Raises:
        CheckpointError: the file is damaged, or holds more than tensors and plain types.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a checkpoint file")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    is_unsafe = os.environ.get(UNSAFE_VARIABLE) == "1"
    # A mapped file is not copied into memory. Files of torch < 1.6 are no zip archives.
    is_mapped = zipfile.is_zipfile(path) and str(map_location) == "cpu"
    try:
        with torch.serialization.safe_globals(_numpy_types()):
            return torch.load(
                path, map_location=map_location, weights_only=not is_unsafe, mmap=is_mapped
            )
    except pickle.UnpicklingError as error:
        if "Weights only load failed" not in str(error):
            raise CheckpointError(f"{path}: damaged or not a checkpoint: {error}") from error
        raise CheckpointError(
            f"{path}: holds {_refused_class(error)}, neither a tensor nor a plain type, and"
            " reading such objects can run any code; if you trust the file, set the environment"
            f" variable {UNSAFE_VARIABLE}=1"
        ) from error
    except (RuntimeError, EOFError, ValueError, OSError) as error:
        if "CUDA" in str(error):  # wrong map_location, not a wrong file
            raise
        raise CheckpointError(f"{path}: damaged or incomplete: {_first_line(error)}") from error


def verify_file(path: str | Path) -> None:
    """Raises CheckpointError, saying why, unless the checkpoint file is complete and undamaged."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # compares the checksum of every tensor
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise CheckpointError(f"{path}: damaged or incomplete: {error}") from error
    if damaged is not None:
        raise CheckpointError(f"{path}: damaged: wrong checksum in {damaged}")


def plain(value: Any) -> Any:
    """Returns ``value`` made of types that can be read back without running code.

    Containers are copied; numpy scalars become numbers; what is unknown becomes its text.
    """
    if value is None or isinstance(value, Tensor):
        return value
    if isinstance(value, np.generic):  # np.float64 is a float too, but would be stored as itself
        return value.item()
    for kind in (bool, int, float, str, bytes):
        if isinstance(value, kind):
            return kind(value)  # type: ignore[arg-type]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [plain(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return str(value)


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {"state_dict": load_file(path)}
    except SafetensorError as error:
        raise CheckpointError(f"{path}: damaged or incomplete: {error}") from error


def _numpy_types() -> list[Any]:
    """Returns what numpy numbers in the ``meta`` of 1.x checkpoints are made of; all harmless."""
    core: Any = getattr(np, "_core", None) or getattr(np, "core")  # noqa: B009
    dtypes = {type(np.dtype(code)) for code in np.typecodes["All"] if code not in "OV"}
    makers = [core.multiarray.scalar, core.multiarray._reconstruct]
    old_names = [(maker, f"numpy.core.multiarray.{maker.__name__}") for maker in makers]
    return [np.ndarray, np.dtype, *dtypes, *makers, *old_names]


def _refused_class(error: BaseException) -> str:
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    return found.group(1) if found else "an object"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split(". ")[0]
