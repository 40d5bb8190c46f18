"""Folders of weights as Hugging Face repositories have them: one file, or shards with an index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from mmcv.runner.files import CheckpointError, read_file

# In order of preference: the first kind of which a folder has files is read.
SINGLE_FILES = ("model.safetensors", "pytorch_model.bin")
PATTERNS = ("*.safetensors", "*.bin")


def is_weights_folder(path: str | Path) -> bool:
    """Whether ``path`` is a folder of weights (and not of a training run)."""
    path = Path(path)
    return path.is_dir() and any(any(path.glob(pattern)) for pattern in PATTERNS)


def read_folder(path: str | Path) -> dict[str, Tensor]:
    """Reads all tensors of a folder; the files are mapped into memory, not copied.

    Args:
        path: with ``*.safetensors`` or ``*.bin``; ``*.index.json`` says which shards there are.

    Raises:
        CheckpointError: a shard or a tensor of the index is missing, or two files have the same.
    """
    path = Path(path)
    index = find_index(path)
    files = weight_files(path)
    weights: dict[str, Tensor] = {}
    for file in files:
        content = _tensors(file)
        twice = weights.keys() & content.keys()
        if twice:
            raise CheckpointError(f"{file}: has {sorted(twice)[0]!r}, which another shard has too")
        weights.update(content)
    lost = set(index or ()) - weights.keys()
    if lost:
        raise CheckpointError(f"{path}: no shard has {sorted(lost)[0]!r}, which the index lists")
    return weights


def weight_files(path: Path) -> list[Path]:
    """Returns the files of a folder that hold its weights, each tensor once.

    Raises:
        CheckpointError: there are none, or not all that the index lists.
    """
    index = find_index(path)
    if index is not None:
        files = [path / name for name in sorted(set(index.values()))]
        missing = [file.name for file in files if not file.is_file()]
        if missing:
            raise CheckpointError(
                f"{path}: {len(missing)} of {len(files)} shards are missing: {missing[0]} ...;"
                " the download is not complete"
            )
        return files
    for name in SINGLE_FILES:
        if (path / name).is_file():
            return [path / name]
    for pattern in PATTERNS:
        if files := sorted(path.glob(pattern)):
            return files
    raise CheckpointError(f"{path}: has no weights ({', '.join(PATTERNS)})")


def find_index(path: Path) -> dict[str, str] | None:
    """Returns the file name of each tensor, or None for a folder without index."""
    for name in SINGLE_FILES:
        file = path / f"{name}.index.json"
        if file.is_file():
            try:
                return json.loads(file.read_text(encoding="utf-8"))["weight_map"]
            except (json.JSONDecodeError, KeyError) as error:
                raise CheckpointError(f"{file}: damaged: {error}") from error
    return None


def _tensors(file: Path) -> dict[str, Tensor]:
    from mmcv.runner.checkpoint_loader import find_weights  # which imports this package

    content: Any = read_file(file)
    return {key: value for key, value in find_weights(content).items() if isinstance(value, Tensor)}
