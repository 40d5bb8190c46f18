"""Names of checkpoints in a work dir: which one is the latest, which ones may go."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from mmcv.runner.files import CheckpointError, replace_link, sync_folder

logger = logging.getLogger(__name__)

_NUMBERED = re.compile(r"^(iter|epoch)_(\d+)$")
_BEST = re.compile(r"^best_.+_(iter|epoch)_(\d+)$")


class CheckpointStore:
    """The checkpoints of one run: ``iter_1000.pth``, ``latest.pth``, ``best_mIoU_iter_8000.pth``.

    Only names: the strategy reads and writes the bytes. Methods that change the folder are for one
    rank.

    Args:
        work_dir: folder of the run.
        suffix: ``".pth"``, or ``""`` if checkpoints are directories (DeepSpeed).
    """

    def __init__(self, work_dir: str | Path, suffix: str = ".pth") -> None:
        self.work_dir = Path(work_dir)
        self.suffix = suffix

    def path(self, name: str) -> Path:
        """Returns where ``name`` (``iter_1000``, with or without ``.pth``) is stored."""
        return self.work_dir / (name.removesuffix(".pth") + self.suffix)

    def mark_latest(self, path: Path) -> None:
        """Lets ``latest`` point to a complete checkpoint, atomically."""
        replace_link(self.work_dir / f"latest{self.suffix}", path)

    def candidates(self) -> list[Path]:
        """Returns the checkpoints, the most recently completed first, the best ones at the end."""
        names = [p for p in self._entries() if _NUMBERED.match(self._stem(p))]
        best = [p for p in self._entries() if _BEST.match(self._stem(p))]
        return [*sorted(names, key=_age), *sorted(best, key=_age)]

    def latest(self, verify: Callable[[Path], object]) -> Path | None:
        """Returns the newest checkpoint that is complete; None if there is none at all.

        Args:
            verify: raises CheckpointError for a checkpoint that cannot be used.

        Raises:
            CheckpointError: there are checkpoints, but not one can be used.
        """
        reasons = []
        for path in self.candidates():
            try:
                verify(path)
            except CheckpointError as error:
                reasons.append(str(error))
                logger.warning("skipped a checkpoint: %s", error)
            else:
                return path
        if reasons:
            raise CheckpointError(
                f"{self.work_dir}: no checkpoint can be resumed from: {'; '.join(reasons)}."
                " Remove them to start from the beginning"
            )
        return None

    def prune(self, keep: int, current: Path, template: str = "") -> list[Path]:
        """Removes the oldest checkpoints of the same kind as ``current``; returns them.

        Args:
            keep: how many stay, ``current`` included; at least 1.
            current: the newest; it must be complete, for it may be the only one left.
            template: how names are made, if not ``iter_{}`` or ``epoch_{}``.
        """
        template = (template or re.sub(r"\d+", "{}", self._stem(current))).removesuffix(".pth")
        pattern = re.compile(f"^{re.escape(template).replace(re.escape('{}'), '([0-9]+)')}$")
        numbered = {p: pattern.match(self._stem(p)) for p in self._entries()}
        numbers = {p: int(m.group(1)) for p, m in numbered.items() if m and m.groups()}
        if current not in numbers:
            return []
        # Higher numbers are leftovers of another run in this folder: not ours to count or remove.
        ours = sorted((p for p, n in numbers.items() if n <= numbers[current]), key=numbers.get)  # type: ignore[arg-type]
        removed = ours[: -max(keep, 1)]
        for path in removed:
            self.remove(path)
        return removed

    def remove(self, path: Path) -> None:
        """Removes a checkpoint so that a kill leaves none that is incomplete but looks good."""
        if path.is_dir() and not path.is_symlink():
            beside = path.with_name(f".{path.name}.tmp")
            if beside.exists():
                shutil.rmtree(beside)
            path.rename(beside)
            sync_folder(path.parent)
            shutil.rmtree(beside)
        else:
            path.unlink(missing_ok=True)

    def clean(self) -> None:
        """Removes what killed processes left half-written."""
        for path in self.work_dir.glob(".*.tmp"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _entries(self) -> list[Path]:
        if not self.work_dir.is_dir():
            return []
        entries = [p for p in self.work_dir.iterdir() if not p.is_symlink()]
        return [p for p in entries if p.suffix == self.suffix and p.is_dir() == (self.suffix == "")]

    def _stem(self, path: Path) -> str:
        return path.name.removesuffix(self.suffix)


def _age(path: Path) -> tuple[int, int]:
    """Sorts by the time of completion, newest first; by number where the clock cannot tell."""
    number = re.findall(r"\d+", path.name)
    return -path.stat().st_mtime_ns, -int(number[-1])
