"""A checkpoint without what only training needs, named after its digest."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from mmcv.runner.export import DTYPES, export_checkpoint
from mmcv.runner.files import CheckpointError
from mmcv.runner.user_errors import one_line_errors
from mmcv.weights.convert import digest

DIGITS = 8  # of the digest, in the name; as torch.hub checks them


def publish(source: str | Path, target: str | Path, dtype: torch.dtype | None = None) -> Path:
    """Writes weights and meta of a checkpoint to ``NAME-xxxxxxxx.pth``.

    Args:
        source: checkpoint file or directory, or a work dir.
        target: ``NAME.pth``; the digest is put before the suffix.
        dtype: of the parameters; None keeps theirs.

    Returns:
        The file written.
    """
    target = Path(target)
    if target.suffix not in (".pth", ".safetensors"):
        raise CheckpointError(f"{target}: the file must end in .pth or .safetensors")
    export_checkpoint(source, target, dtype=dtype)
    named = target.with_name(f"{target.stem}-{digest(target)[:DIGITS]}{target.suffix}")
    target.rename(named)
    return named


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tools/publish_model.py``."""
    parser = argparse.ArgumentParser(
        description="Write a checkpoint's weights, without the optimizer, to NAME-DIGEST.pth."
    )
    parser.add_argument("in_file", help="checkpoint file or directory, or a work dir")
    parser.add_argument("out_file", help="NAME.pth or NAME.safetensors")
    parser.add_argument("--dtype", choices=DTYPES, help="of the parameters; default: as stored")
    args = parser.parse_args(argv)
    with one_line_errors(verbose=False):
        file = publish(args.in_file, args.out_file, DTYPES.get(args.dtype))
    print(f"wrote {file} ({file.stat().st_size:,} bytes, sha256 {digest(file)})")
