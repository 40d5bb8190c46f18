"""Downloaded archives -> ``data/``: ``tools/prepare_data.py``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmcv.runner.user_errors import one_line_errors
from mmseg.preparation import RECIPES, Recipe, prepare


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``tools/prepare_data.py``."""
    needed = "\n".join(
        f"  {name:<16}{_archives(r)}\n{'':<18}{r.site}" for name, r in RECIPES.items()
    )
    parser = argparse.ArgumentParser(
        description="Unpack the archives of a data set and convert its labels. Can be stopped and"
        " started again.",
        epilog=f"archives to download:\n{needed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dataset", choices=RECIPES, help="which one")
    parser.add_argument("archives", type=Path, help="folder with the archives")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder to write to")
    args = parser.parse_args(argv)
    with one_line_errors(verbose=False):
        lines = prepare(args.dataset, args.archives, args.data)
    print("\n".join(lines))


def _archives(recipe: Recipe) -> str:
    return ", ".join(a.name + ("" if a.required else " (optional)") for a in recipe.archives)
