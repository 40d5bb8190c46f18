"""The command line of ``tools/train.py``; the flags are those of 1.x."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from mmcv.config import DictAction


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Returns the flags; ``LOCAL_RANK`` is set for launchers that pass it as a flag.

    Args:
        argv: without the program's name; the process's own by default.
    """
    parser = argparse.ArgumentParser(description="Trains a model.")
    parser.add_argument("config", help="config file")
    parser.add_argument("--work-dir", help="where logs and checkpoints go")
    parser.add_argument("--load-from", help="checkpoint whose weights the training starts with")
    parser.add_argument("--resume-from", help="checkpoint, or work dir, to continue exactly")
    parser.add_argument(
        "--auto-resume",
        action="store_true",
        help="continue from the newest checkpoint in the work dir, if there is one",
    )
    parser.add_argument("--no-validate", action="store_true", help="do not evaluate in between")
    _add_devices(parser)
    parser.add_argument("--seed", type=int, help="random seed; drawn and logged by default")
    parser.add_argument(
        "--diff-seed", "--diff_seed", action="store_true", help="another seed on each rank"
    )
    parser.add_argument("--deterministic", action="store_true", help="reproducible algorithms")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        help="changes to the config: optimizer.lr=1e-5 data.train.0.type=X crop_size='(64,64)'",
    )
    parser.add_argument(
        "--options", nargs="+", action=DictAction, help="deprecated name of --cfg-options"
    )
    parser.add_argument(
        "--auto-scale-lr",
        action="store_true",
        help="scale the learning rate by the batch size over auto_scale_lr.base_batch_size",
    )
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local-rank", "--local_rank", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="show where an error comes from")
    args = parser.parse_args(argv)
    if args.options and args.cfg_options:
        parser.error("--options is the deprecated name of --cfg-options: give only one of them")
    args.cfg_options = args.cfg_options or args.options or {}
    if args.launcher != "none":
        os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def _add_devices(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--gpus", type=int, help="accepted; without a launcher one GPU is used")
    group.add_argument("--gpu-ids", type=int, nargs="+", help="the first one is used")
    group.add_argument("--gpu-id", type=int, default=0, help="without a launcher, the GPU to use")
