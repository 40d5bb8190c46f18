"""The command line of ``tools/test.py``; the flags are those of 1.x."""

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
    parser = argparse.ArgumentParser(
        description="Tests a model: at least one of --eval, --out, --format-only, --show and"
        " --show-dir says what to do with the results."
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file, or folder of a DeepSpeed checkpoint")
    parser.add_argument("--work-dir", help="where the metrics are written (as json)")
    parser.add_argument(
        "--aug-test", action="store_true", help="average over six sizes and flips of each image"
    )
    _add_outputs(parser)
    _add_options(parser)
    _add_processes(parser)
    parser.add_argument("--verbose", action="store_true", help="show where an error comes from")
    args = parser.parse_args(argv)
    _check(parser, args)
    args.cfg_options = args.cfg_options or args.options or {}
    args.eval_options = args.eval_options or {}
    if args.launcher != "none":
        os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--eval", nargs="+", help="metrics: mIoU, mDice, mFscore, cityscapes")
    parser.add_argument("--out", help="pickle file for the results as they are")
    parser.add_argument(
        "--format-only",
        action="store_true",
        help="write label maps for a test server, without evaluation; the folder is"
        " --eval-options imgfile_prefix=FOLDER",
    )
    parser.add_argument("--show", action="store_true", help="show results in a window")
    parser.add_argument("--show-dir", help="folder for pictures of the results")
    parser.add_argument(
        "--opacity", type=float, default=0.5, help="of the colours in pictures, in (0, 1]"
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        help="changes to the config: model.test_cfg.mode=whole data.test.split=val.txt",
    )
    parser.add_argument(
        "--options", nargs="+", action=DictAction, help="deprecated name of --cfg-options"
    )
    parser.add_argument(
        "--eval-options",
        nargs="+",
        action=DictAction,
        help="arguments of dataset.evaluate, or of dataset.format_results with --format-only",
    )


def _add_processes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gpu-id", type=int, default=0, help="without a launcher, the GPU to use")
    parser.add_argument("--gpu-collect", action="store_true", help="accepted, without effect")
    parser.add_argument("--tmpdir", help="accepted, without effect: no files are exchanged")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local-rank", "--local_rank", type=int, default=0)


def _check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    if not (args.out or args.eval or args.format_only or args.show or args.show_dir):
        parser.error(
            "nothing to do with the results: give at least one of --eval, --out, --format-only,"
            " --show, --show-dir"
        )
    if args.eval and args.format_only:
        parser.error("--eval and --format-only cannot be both given")
    if args.eval and "cityscapes" in args.eval and len(args.eval) > 1:
        parser.error("--eval cityscapes writes results to files and allows no other metric")
    if args.out and not args.out.endswith((".pkl", ".pickle")):
        parser.error(f"--out must end with .pkl or .pickle, but is {args.out!r}")
    if args.options and args.cfg_options:
        parser.error("--options is the deprecated name of --cfg-options: give only one of them")
    if not 0 < args.opacity <= 1:
        parser.error(f"--opacity must be in (0, 1], but is {args.opacity}")
