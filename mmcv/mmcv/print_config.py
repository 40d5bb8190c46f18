"""The tool that prints a config with everything it inherits and every override filled in."""

from __future__ import annotations

import argparse
import sys

from mmcv.config import Config, DictAction
from mmcv.registry import ConfigError


def main() -> None:
    """Prints the resolved config that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "--cfg-options",
        "--options",
        nargs="+",
        action=DictAction,
        help="overrides of the form model.backbone.depth=24",
    )
    args = parser.parse_args()
    try:
        cfg = Config.fromfile(args.config)
        cfg.merge_from_dict(args.cfg_options or {})
    except (ConfigError, OSError, TypeError) as error:
        sys.exit(f"error: {error}")
    sys.stdout.write(f"Config:\n{cfg.pretty_text}\n")
