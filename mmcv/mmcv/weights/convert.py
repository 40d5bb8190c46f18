"""Weights from one layout to another: ``tools/convert_weights.py``."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from mmcv.registry import ConfigError
from mmcv.runner.files import save_file
from mmcv.runner.user_errors import one_line_errors
from mmcv.weights.layouts import LAYOUTS, find_layout, is_vit_key, to_intern_vit_keys
from mmcv.weights.reading import read_weights
from mmcv.weights.writing import GIGABYTE, describe, write_folder

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
CHUNK = 1 << 24


def convert(
    source: str | Path,
    target: str | Path,
    layout: str,
    *,
    dtype: torch.dtype | None = None,
    num_heads: int | None = None,
    shard_bytes: int = 5 * GIGABYTE,
) -> list[Path]:
    """Writes the vision transformer of a checkpoint in another layout.

    Args:
        source: whatever ``read_weights`` reads.
        target: for the original's layout a file, ``.pth`` (weights under ``module``) or
            ``.safetensors``; for the others a folder.
        layout: one of ``LAYOUTS``.
        dtype: of the tensors; None keeps theirs, and every bit.
        num_heads: see ``describe``.
        shard_bytes: size of the files in a folder.

    Returns:
        The files of weights written.

    Raises:
        ConfigError: there is no vision transformer in the source, or the target does not fit.
    """
    target = Path(target)
    stored = read_weights(source)
    if find_layout(stored) is None:
        raise ConfigError(f"{source}: no InternViT in any known layout ({', '.join(LAYOUTS)})")
    weights = {k: v for k, v in to_intern_vit_keys(stored).items() if is_vit_key(k)}
    if dtype is not None:
        weights = {name: value.to(dtype) for name, value in weights.items()}
    if layout != "original":
        if target.suffix in (".pth", ".safetensors"):
            raise ConfigError(f"{target}: the layout {layout!r} is a folder of files")
        return write_folder(target, weights, layout, num_heads=num_heads, shard_bytes=shard_bytes)
    target.parent.mkdir(parents=True, exist_ok=True)
    _write_file(target, weights)
    return [target]


def _write_file(target: Path, weights: dict[str, Tensor]) -> None:
    if target.suffix == ".safetensors":
        from safetensors.torch import save_file as save_safetensors

        whole = {name: value.contiguous() for name, value in weights.items()}
        save_safetensors(whole, target, metadata={"format": "pt"})
    elif target.suffix in (".pth", ".pt"):
        save_file(target, {"module": weights})
    else:
        raise ConfigError(f"{target}: the file must end in .pth or .safetensors")


def digest(file: Path) -> str:
    """Returns the SHA-256 of a file."""
    sha = hashlib.sha256()
    with open(file, "rb") as stream:
        while chunk := stream.read(CHUNK):
            sha.update(chunk)
    return sha.hexdigest()


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tools/convert_weights.py``."""
    parser = argparse.ArgumentParser(
        description="Write the InternViT of a checkpoint in another layout; every bit is kept."
    )
    parser.add_argument(
        "source",
        help="file, DeepSpeed directory, Hugging Face folder, or hf://OWNER/REPOSITORY; the vision"
        " part of a whole InternVL, and the backbone of a segmentor or detector, are found in it",
    )
    parser.add_argument("target", help="file (.pth, .safetensors) for original, else a folder")
    parser.add_argument("--to", choices=LAYOUTS, default="original", help="layout to write")
    parser.add_argument("--dtype", choices=DTYPES, help="of the tensors; default: as stored")
    parser.add_argument("--num-heads", type=int, help="where the width does not tell")
    parser.add_argument("--shard-gb", type=float, default=5.0, help="size of files in a folder")
    args = parser.parse_args(argv)
    with one_line_errors(verbose=False):
        files = convert(
            args.source,
            args.target,
            args.to,
            dtype=DTYPES.get(args.dtype),
            num_heads=args.num_heads,
            shard_bytes=int(args.shard_gb * GIGABYTE),
        )
        settings = describe(to_intern_vit_keys(_read_all(files)), args.num_heads or 1)
    settings.pop("num_heads")
    print("backbone settings: " + ", ".join(f"{key}={value}" for key, value in settings.items()))
    for file in files:
        print(f"{file}  {file.stat().st_size:,} bytes  sha256 {digest(file)}")


def _read_all(files: Sequence[Path]) -> dict[str, Tensor]:
    return {k: v for file in files for k, v in read_weights(file).items()}
