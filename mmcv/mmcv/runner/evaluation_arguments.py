"""The part of the command line of ``tools/test.py`` that all tasks have; the flags are 1.x's."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence

from mmcv.config import DictAction


def parse_arguments(
    parser: argparse.ArgumentParser,
    check: Callable[[argparse.ArgumentParser, argparse.Namespace], None],
    argv: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Returns the flags; ``LOCAL_RANK`` is set for launchers that pass it as a flag.

    Args:
        parser: with the task's own flags; the common ones are added.
        check: reports flags that do not fit together.
        argv: without the program's name; the process's own by default.
    """
    _add_common(parser)
    args = parser.parse_args(argv)
    check(parser, args)
    _check_common(parser, args)
    args.cfg_options = args.cfg_options or args.options or {}
    args.eval_options = args.eval_options or {}
    if args.launcher != "none":
        os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file, or folder of a DeepSpeed checkpoint")
    parser.add_argument("--work-dir", help="where the metrics are written (as json)")
    parser.add_argument("--out", help="pickle file for the results as they are")
    parser.add_argument("--show", action="store_true", help="show results in a window")
    parser.add_argument("--show-dir", help="folder for pictures of the results")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        help="changes to the config: data.samples_per_gpu=4 data.test.img_prefix=images",
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
    parser.add_argument("--gpu-id", type=int, default=0, help="without a launcher, the GPU to use")
    parser.add_argument("--gpu-collect", action="store_true", help="accepted, without effect")
    parser.add_argument("--tmpdir", help="accepted, without effect: no files are exchanged")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local-rank", "--local_rank", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="show where an error comes from")


def _check_common(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    if not (args.out or args.eval or args.format_only or args.show or args.show_dir):
        parser.error(
            "nothing to do with the results: give at least one of --eval, --out, --format-only,"
            " --show, --show-dir"
        )
    if args.eval and args.format_only:
        parser.error("--eval and --format-only cannot be both given")
    if args.out and not args.out.endswith((".pkl", ".pickle")):
        parser.error(f"--out must end with .pkl or .pickle, but is {args.out!r}")
    if args.options and args.cfg_options:
        parser.error("--options is the deprecated name of --cfg-options: give only one of them")
