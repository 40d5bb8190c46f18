"""Saves checkpoints while training."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS, ConfigError
from mmcv.runner.dist_utils import allreduce_params
from mmcv.runner.store import CheckpointStore

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)

# Key of the messages in ``meta``: a checkpoint out of turn, which goes when a regular one is there.
EXTRA = "extra_ckpt"


@HOOKS.register_module(name=["CheckpointHook", "DeepspeedCheckpointHook"])
class CheckpointHook(Hook):
    """Saves every few epochs or iterations; all ranks take part.

    Args:
        interval: in epochs or iterations; -1: never, but see ``save_last``.
        by_epoch: whether ``interval`` counts epochs.
        save_optimizer: without, checkpoints are smaller and cannot be resumed.
        out_dir: another place than the work dir; the work dir's name is appended.
        max_keep_ckpts: older ones are removed; -1: all stay.
        save_last: save after the last epoch or iteration too.
        sync_buffer: average the buffers over the ranks before saving.
        file_client_args: only ``dict(backend='disk')``.
        deepspeed: accepted from configs of DeepSpeed runs; how to save is the strategy's business.
        filename_tmpl: how checkpoints are called, instead of ``iter_{}.pth`` or ``epoch_{}.pth``.
        meta: stored in every checkpoint, beside the runner's.
        create_symlink: let ``latest.pth`` point to the newest one.
        asynchronous: go on training while a checkpoint is written, from a copy in host memory of
            what this rank saves. At most one is under way; a further one waits for it.
        save_frozen: see ``mmcv/docs/checkpoints.md``; the strategy reads it from the config.
    """

    def __init__(
        self,
        interval: int = -1,
        by_epoch: bool = True,
        save_optimizer: bool = True,
        out_dir: str | None = None,
        max_keep_ckpts: int = -1,
        save_last: bool = True,
        sync_buffer: bool = False,
        file_client_args: dict[str, Any] | None = None,
        deepspeed: bool = False,
        filename_tmpl: str | None = None,
        meta: dict[str, Any] | None = None,
        create_symlink: bool = True,
        asynchronous: bool = True,
        save_frozen: bool = False,
    ) -> None:
        if (file_client_args or {}).get("backend", "disk") != "disk":
            raise ConfigError(f"file_client_args={file_client_args}: only the disk is supported")
        self.interval = interval
        self.by_epoch = by_epoch
        self.save_optimizer = save_optimizer
        self.out_dir = out_dir
        self.max_keep_ckpts = max_keep_ckpts
        self.save_last = save_last
        self.sync_buffer = sync_buffer
        self.file_client_args = file_client_args
        self.filename_tmpl = filename_tmpl
        self.asynchronous = asynchronous
        self.args = {"meta": meta, "create_symlink": create_symlink}
        self._is_late = False  # a checkpoint was due when none could be written

    def before_run(self, runner: BaseRunner) -> None:
        """Chooses the folder and removes what a killed run left half-written."""
        self.out_dir = output_folder(self.out_dir, runner)
        if runner.rank == 0:
            self._tidy_up(runner)
            logger.info("Checkpoints will be saved to %s.", self.out_dir)

    def after_train_epoch(self, runner: BaseRunner) -> None:
        """Saves if ``interval`` counts epochs."""
        if not self.by_epoch:
            return
        is_last = self.save_last and self.is_last_epoch(runner)
        if is_last or self.every_n_epochs(runner, self.interval):
            logger.info("Saving checkpoint at %d epochs", runner.epoch + 1)
            self._save_checkpoint(runner)

    def after_train_iter(self, runner: BaseRunner) -> None:
        """Saves if ``interval`` counts iterations."""
        if self.by_epoch:
            return
        is_last = self.save_last and self.is_last_iter(runner)
        if is_last or self._is_late or self.every_n_iters(runner, self.interval):
            self._is_late = not runner.supervisor.can_save(runner)
            if self._is_late:
                return
            logger.info("Saving checkpoint at %d iterations", runner.iter + 1)
            self._save_checkpoint(runner)

    def _tidy_up(self, runner: BaseRunner) -> None:
        """Does what a kill may have kept the last run from doing after its last checkpoint."""
        assert self.out_dir is not None
        store = CheckpointStore(self.out_dir, runner.strategy.suffix)
        store.clean()
        last = Path(_messages(runner).get("last_ckpt", ""))
        if runner.is_resumed and last.exists() and last.parent == store.work_dir:
            if self.args["create_symlink"]:
                store.mark_latest(last)
            self._remove_old(runner, store, last)

    def _save_checkpoint(self, runner: BaseRunner) -> None:
        assert self.out_dir is not None
        if self.sync_buffer:
            allreduce_params(runner.strategy.module.buffers())
        unit, number = ("epoch", runner.epoch) if self.by_epoch else ("iter", runner.iter)
        template = self.filename_tmpl or f"{unit}_{{}}.pth"
        store = CheckpointStore(self.out_dir, runner.strategy.suffix)
        path = store.path(template.format(number + 1))
        # Before saving, so that the checkpoint knows its own name too.
        _messages(runner)["last_ckpt"] = str(path)

        def then() -> None:
            # Only now that the new one is complete may old ones go.
            if runner.rank == 0:
                self._remove_old(runner, store, path)
            _messages(runner).pop(EXTRA, None)

        options = {**self.args, "filename_tmpl": path.name, "save_optimizer": self.save_optimizer}
        if self.asynchronous:
            runner.save_checkpoint(self.out_dir, **options, then=then)
        else:
            runner.save_checkpoint(self.out_dir, **options)
            then()

    def _remove_old(self, runner: BaseRunner, store: CheckpointStore, newest: Path) -> None:
        """Removes what ``newest`` makes superfluous; it is complete."""
        extra = Path(_messages(runner).get(EXTRA, newest))
        if extra != newest and extra.parent == store.work_dir:
            store.remove(extra)
        if self.max_keep_ckpts > 0:
            template = self.filename_tmpl or re.sub(r"\d+", "{}", newest.stem)
            store.prune(self.max_keep_ckpts, newest, template)


def save_now(runner: BaseRunner) -> Path | None:
    """Saves between two iterations, outside of all intervals, where the run's checkpoints go.

    Such a checkpoint is removed when the next regular one is complete. Collective.

    Returns:
        The path; None if the run has no CheckpointHook.
    """
    hook = find_checkpoint_hook(runner)
    if hook is None or hook.out_dir is None:
        return None
    runner.strategy.finish_saving()
    path = CheckpointStore(hook.out_dir, runner.strategy.suffix).path(f"iter_{runner.iter}")
    messages = _messages(runner)
    if str(path) == messages.get("last_ckpt"):  # a regular one, of this very iteration
        return path
    messages.update({"last_ckpt": str(path), EXTRA: str(path)})
    runner.save_checkpoint(hook.out_dir, filename_tmpl=path.name, **hook.args)
    return path


def find_checkpoint_hook(runner: BaseRunner) -> CheckpointHook | None:
    """Returns the hook that saves a run's checkpoints."""
    return next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)


def _messages(runner: BaseRunner) -> dict[str, Any]:
    return runner.meta.setdefault("hook_msgs", {})


def output_folder(out_dir: str | None, runner: BaseRunner) -> str:
    """Returns the work dir, or a folder of the same name below ``out_dir``."""
    if runner.work_dir is None:
        raise ConfigError("the runner has no work_dir, where checkpoints would be saved")
    if not out_dir or Path(out_dir).absolute() == Path(runner.work_dir):
        return runner.work_dir
    return str(Path(out_dir) / Path(runner.work_dir).name)
