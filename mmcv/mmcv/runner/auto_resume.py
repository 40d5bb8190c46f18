"""Which checkpoint a run continues from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from mmcv.config import Config, resolve_path
from mmcv.runner.dist_utils import broadcast_object, get_dist_info
from mmcv.runner.files import CheckpointError, read_file, verify_file
from mmcv.runner.store import CheckpointStore

logger = logging.getLogger(__name__)


def find_checkpoint(cfg: Config) -> Path | None:
    """Returns what ``resume_from`` or ``auto_resume`` asks for; None: start at the beginning.

    Args:
        cfg: ``resume_from`` (a checkpoint, or a work dir, whose newest one is meant),
            ``auto_resume``, ``work_dir``, ``deepspeed``.

    Raises:
        CheckpointError: there is something, but nothing to continue from.
    """
    asked = cfg.get("resume_from")
    if asked:
        path = resolve_path(asked, cfg, "resume_from")
        if not path.is_dir() or _is_checkpoint_directory(path):
            return path
        newest = _newest(path, cfg)
        if newest is None:
            raise CheckpointError(f"resume_from: {path} holds no checkpoint")
        return newest
    if not cfg.get("auto_resume"):
        return None
    newest = _newest(Path(cfg.work_dir), cfg)
    if newest is None:
        logger.info("auto-resume: no checkpoint in %s yet, starting at the beginning", cfg.work_dir)
    return newest


def read_meta(path: Path) -> dict[str, Any]:
    """Returns the ``meta`` of a checkpoint without reading its weights."""
    if path.is_dir():
        from mmcv.runner.zero.directory import read_directory

        return read_directory(path)["meta"]
    checkpoint = read_file(path)  # mapped, not read
    return checkpoint.get("meta", {}) if isinstance(checkpoint, dict) else {}


def _newest(folder: Path, cfg: Config) -> Path | None:
    """Returns the newest complete checkpoint; rank 0 looks, so that all ranks agree. Collective."""
    path, failure = None, None
    if get_dist_info()[0] == 0:
        try:
            path = _newest_here(folder, is_directory=cfg.get("deepspeed") is True)
        except CheckpointError as error:
            failure = str(error)
    path, failure = broadcast_object((path, failure))
    if failure is not None:
        raise CheckpointError(failure)
    if path is not None:
        logger.info("continuing from %s", path)
    return path


def _newest_here(folder: Path, *, is_directory: bool) -> Path | None:
    if is_directory:
        from mmcv.runner.zero.directory import verify

        return CheckpointStore(folder, "").latest(verify)
    return CheckpointStore(folder, ".pth").latest(verify_file)


def _is_checkpoint_directory(path: Path) -> bool:
    files = ("manifest.json", "mp_rank_00_model_states.pt")
    return any((path / name).exists() for name in files) or any(path.glob("global_step*"))
