"""One file of weights out of any checkpoint, tensor by tensor: ``tools/export_checkpoint.py``.

Sources are mapped into memory, and what is converted goes through temporary files: 6B parameters
need no more memory than the largest of them.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from mmcv.runner.checkpoint import find_weights
from mmcv.runner.checkpoint_loader import load_from_local
from mmcv.runner.files import (
    CheckpointError,
    plain,
    save_file,
    sync_folder,
    temporary_name,
    verify_file,
)
from mmcv.runner.store import CheckpointStore
from mmcv.runner.user_errors import one_line_errors
from mmcv.runner.zero import directory
from mmcv.runner.zero.checkpoint import read_shards
from mmcv.runner.zero.optimizer_state import join_masters

logger = logging.getLogger(__name__)

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
KEPT = ("running_mean", "running_var")  # half precision would spoil them
SAFETENSORS_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


class Weights(NamedTuple):
    """The weights of a checkpoint, to be read one at a time.

    Attributes:
        stored: as they are in the file, memory-mapped; gives names and shapes.
        read: gives one of them by name, of the stored shape, in the most exact form there is.
        meta: of the checkpoint.
    """

    stored: Mapping[str, Tensor]
    read: Callable[[str], Tensor]
    meta: dict[str, Any]


def export_checkpoint(
    source: str | Path, target: str | Path, *, dtype: torch.dtype | None = None, raw: bool = False
) -> None:
    """Writes the weights of a checkpoint to one file, under the names that the model gives them.

    Args:
        source: checkpoint file or directory, or a work dir, whose newest checkpoint is taken.
        target: ``.pth`` gets ``meta`` and ``state_dict`` as in 1.x, ``.safetensors`` the tensors.
        dtype: of the floating-point parameters; by default as stored. fp32 takes the master weights
            of a half-precision run, which are more exact than the model's own. Buffers are kept.
        raw: of a run with EMAHook, take the weights that it trained instead of their averages.

    Raises:
        CheckpointError: the source is damaged, no checkpoint, or has no raw weights.
    """
    target = Path(target)
    if target.suffix not in (".pth", ".safetensors"):
        raise CheckpointError(f"{target}: the file must end in .pth or .safetensors")
    path = find_checkpoint(Path(source))
    logger.info("exporting %s", path)
    weights = open_weights(path, exact=dtype == torch.float32, raw=raw)
    target.parent.mkdir(parents=True, exist_ok=True)
    write = _write_pth if target.suffix == ".pth" else _write_safetensors
    try:
        write(target, weights, {name: _dtype_of(weights, name, dtype) for name in weights.stored})
    except (OSError, RuntimeError) as error:  # torch reports a full disk as the latter
        raise CheckpointError(f"{target}: could not be written: {error}") from error


def find_checkpoint(source: Path) -> Path:
    """Returns the checkpoint that ``source`` is, or the newest intact one in it."""
    if not source.exists():
        raise CheckpointError(f"{source}: no such file or directory")
    if source.is_file() or _is_checkpoint(source):
        _verify(source)
        return source
    stores = [CheckpointStore(source, suffix) for suffix in ("", ".pth")]
    found = [path for store in stores if (path := store.latest(_verify)) is not None]
    if not found:
        raise CheckpointError(f"{source}: holds no checkpoint (iter_N, epoch_N, ...)")
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def open_weights(path: Path, *, exact: bool = False, raw: bool = False) -> Weights:
    """Maps a checkpoint into memory.

    Args:
        path: file or DeepSpeed directory.
        exact: read fp32 masters or averages where they exist.
        raw: read what was trained, not its moving average.
    """
    content = load_from_local(str(path), "cpu")  # which maps it
    stored = find_weights(content)
    masters = _open_masters(path) if exact or raw else _nothing
    states = [s for s in content.get("hooks", {}).values() if isinstance(s, Mapping)]
    average = next((s for s in states if {"average", "raw"} <= s.keys()), None)
    if average is None:
        sources = [masters] if exact else []
    elif raw:
        kept = average["raw"]
        is_exact = all(value.dtype == torch.float32 for value in kept.values())
        sources = [kept.get] if is_exact else [masters, kept.get]
    else:
        sources = [average["average"].get] if exact else []

    def read(name: str) -> Tensor:
        for source in sources:
            value = source(name)
            if value is not None:
                return value.view(stored[name].shape)
        return stored[name]

    return Weights(stored, read, content.get("meta", {}))


def _nothing(name: str) -> Tensor | None:
    return None


def _open_masters(path: Path) -> Callable[[str], Tensor | None]:
    if not (path / directory.MANIFEST).is_file():
        return _nothing
    manifest = directory.read_manifest(path)
    return join_masters(read_shards(path, manifest)) if manifest["with_optimizer"] else _nothing


def _is_checkpoint(folder: Path) -> bool:
    name = directory.MODEL_FILE
    return any(folder.glob(name)) or any(folder.glob(f"global_step*/{name}"))


def _verify(path: Path) -> None:
    if path.is_file():
        if path.suffix != ".safetensors":
            verify_file(path)
    elif (path / directory.MANIFEST).is_file() or not _is_checkpoint(path):
        directory.verify(path)  # Directories of the original have no digests.


def _dtype_of(weights: Weights, name: str, wanted: torch.dtype | None) -> torch.dtype:
    stored = weights.stored[name].dtype
    is_kept = wanted is None or not stored.is_floating_point or name.endswith(KEPT)
    return stored if is_kept or wanted is None else wanted


def _write_pth(target: Path, weights: Weights, dtypes: Mapping[str, torch.dtype]) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        state = {}
        for i, (name, dtype) in enumerate(_progress(dtypes)):
            value = weights.read(name)
            is_mapped = value is weights.stored[name] and value.dtype == dtype
            state[name] = value if is_mapped else _on_disk(Path(folder, str(i)), value, dtype)
        save_file(target, {"meta": plain(weights.meta), "state_dict": state})


def _on_disk(file: Path, value: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns a converted copy whose memory is a file, which the system can write out any time."""
    if value.numel() == 0:
        return value.to(dtype)
    copy = torch.from_file(str(file), shared=True, size=value.numel(), dtype=dtype)
    return copy.view(value.shape).copy_(value)


def _write_safetensors(target: Path, weights: Weights, dtypes: Mapping[str, torch.dtype]) -> None:
    """Writes length and text of a json header, then the tensors one after another."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt", "meta": _as_text(weights.meta)}}
    end = 0
    for name, dtype in dtypes.items():
        stored = weights.stored[name]
        if dtype not in SAFETENSORS_NAMES:
            raise CheckpointError(f"{target}: {name} is {dtype}, which safetensors has no name for")
        start, end = end, end + stored.numel() * torch.empty((), dtype=dtype).element_size()
        header[name] = {
            "dtype": SAFETENSORS_NAMES[dtype],
            "shape": list(stored.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with _replacing(target) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, dtype in _progress(dtypes):
            value = weights.read(name).to(dtype).contiguous()
            file.write(value.reshape(-1).view(torch.uint8).numpy().data)


def _as_text(meta: Mapping[str, Any]) -> str:
    return json.dumps({key: value for key, value in plain(meta).items() if _is_small(value)})


def _is_small(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool, list, tuple)) and len(str(value)) < 100_000


@contextmanager
def _replacing(target: Path) -> Iterator[Any]:
    """Opens a file that takes the place of ``target`` when it is complete and on disk."""
    beside = temporary_name(target)
    try:
        with open(beside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def _progress(dtypes: Mapping[str, torch.dtype]) -> Any:
    return tqdm(dtypes.items(), total=len(dtypes), unit="tensors", disable=len(dtypes) < 100)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tools/export_checkpoint.py``."""
    parser = argparse.ArgumentParser(description="Write the weights of a checkpoint to one file.")
    parser.add_argument("source", help="checkpoint file or directory, or a work dir")
    parser.add_argument("target", help="file to write: .pth or .safetensors")
    parser.add_argument("--dtype", choices=DTYPES, help="of parameters; default: as stored")
    parser.add_argument(
        "--raw", action="store_true", help="with EMAHook: the trained weights, not their averages"
    )
    args = parser.parse_args(argv)
    with one_line_errors(verbose=False):
        export_checkpoint(args.source, args.target, dtype=DTYPES.get(args.dtype), raw=args.raw)
    sys.stdout.write(f"wrote {args.target} ({os.path.getsize(args.target):,} bytes)\n")
