"""The command line of segmentation's ``tools/test.py``; the flags are those of 1.x."""

from __future__ import annotations

import argparse


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds segmentation's flags."""
    parser.add_argument(
        "--aug-test", action="store_true", help="average over six sizes and flips of each image"
    )
    parser.add_argument("--eval", nargs="+", help="metrics: mIoU, mDice, mFscore, cityscapes")
    parser.add_argument(
        "--format-only",
        action="store_true",
        help="write label maps for a test server, without evaluation; the folder is"
        " --eval-options imgfile_prefix=FOLDER",
    )
    parser.add_argument(
        "--opacity", type=float, default=0.5, help="of the colours in pictures, in (0, 1]"
    )


def check_flags(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Reports flags that do not fit together."""
    if args.eval and "cityscapes" in args.eval and len(args.eval) > 1:
        parser.error("--eval cityscapes writes results to files and allows no other metric")
    if not 0 < args.opacity <= 1:
        parser.error(f"--opacity must be in (0, 1], but is {args.opacity}")
