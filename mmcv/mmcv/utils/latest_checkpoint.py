"""Finding checkpoints by name; ``mmcv.runner`` also checks that they are complete."""

from __future__ import annotations

import logging
import os.path as osp
from glob import glob

logger = logging.getLogger(__name__)


def find_latest_checkpoint(path: str, suffix: str = "pth") -> str | None:
    """Returns ``latest.<suffix>`` in a folder, or else the file with the highest number.

    Args:
        path: the folder.
        suffix: of the files.

    Returns:
        None if there is no such folder or file.
    """
    if not osp.exists(path):
        logger.warning("there is no folder %s to look for checkpoints in", path)
        return None
    latest = osp.join(path, f"latest.{suffix}")
    if osp.exists(latest):
        return latest
    numbered = {}
    for checkpoint in glob(osp.join(path, f"*.{suffix}")):
        number = osp.basename(checkpoint).removesuffix(f".{suffix}").split("_")[-1]
        if number.isdigit():
            numbered[int(number)] = checkpoint
    if not numbered:
        logger.warning("there are no checkpoints in %s", path)
        return None
    return numbered[max(numbered)]
