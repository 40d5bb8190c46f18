"""A runner's checkpoints: saving, resuming, loading weights.

Functions of a runner; ``BaseRunner`` has them as methods, which is how 1.x code calls them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcv.runner import checkpoint
from mmcv.runner.checkpoint import NO_PREFIX
from mmcv.runner.resume import Resumption, training_state
from mmcv.runner.store import CheckpointStore

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner


def save_checkpoint(
    runner: BaseRunner,
    out_dir: str | Path,
    filename_tmpl: str | None = None,
    *,
    save_optimizer: bool = True,
    meta: Mapping[str, Any] | None = None,
    create_symlink: bool = True,
    then: Callable[[], None] | None = None,
) -> Path:
    """Saves everything that continuing needs. Collective: every rank must call it.

    Args:
        runner: whose state.
        out_dir: folder.
        filename_tmpl: ``iter_{}.pth`` or ``epoch_{}.pth`` by default; the number is that of the
            iteration or epoch in progress, counted from 1.
        save_optimizer: without, the checkpoint is smaller and cannot be resumed.
        meta: added to the runner's.
        create_symlink: let ``latest.pth`` point to the new checkpoint.
        then: called on every rank when the checkpoint is complete. With it, writing goes on in the
            background: it is complete, or failed, in a later iteration or at the end of the run.

    Returns:
        The path; without ``.pth`` if the strategy saves directories.

    Raises:
        NonFiniteLossError: a loss or a parameter is not finite, so there is nothing to save.
    """
    if meta is not None and not isinstance(meta, Mapping):
        raise TypeError(f"meta should be a dict or None, but got {type(meta)}")
    runner.supervisor.meet_to_save()
    runner.loss_watch.check()
    runner.loss_watch.check_weights(runner.strategy.module)
    Path(out_dir).mkdir(parents=True, exist_ok=True)
    store = CheckpointStore(out_dir, runner.strategy.suffix)
    number = (runner.epoch if runner.unit == "epoch" else runner.iter) + 1
    path = store.path((filename_tmpl or f"{runner.unit}_{{}}").format(number))

    def complete() -> None:
        if create_symlink and runner.rank == 0:
            store.mark_latest(path)
        if then is not None:
            then()

    event, runner._event = runner._event, runner._event or ("save", "")
    runner.call_hook("before_save_checkpoint")
    state = training_state(runner, event, meta or {})
    later = None if then is None else complete
    runner.strategy.save(path, state, with_optimizer=save_optimizer, then=later)
    runner.call_hook("after_save_checkpoint")
    runner._event = event
    if then is None:
        complete()
    return path


def resume(
    runner: BaseRunner,
    checkpoint: str | Path,
    resume_optimizer: bool = True,
    map_location: Any = "default",
) -> None:
    """Restores a checkpoint, so that ``run`` continues as if there had been no interruption.

    Args:
        runner: gets the state.
        checkpoint: file or directory that a runner saved.
        resume_optimizer: without, only the weights and the counters are restored.
        map_location: accepted for 1.x callers.
    """
    state = runner.strategy.load(Path(checkpoint), with_optimizer=resume_optimizer)
    runner._resumption = Resumption(state)
    runner._resumption.set_counters(runner)
    runner._info("resumed epoch %d, iter %d", runner.epoch, runner.iter)


def load_checkpoint(
    runner: BaseRunner,
    filename: str | Path,
    map_location: Any = "cpu",
    strict: bool = False,
    revise_keys: Any = NO_PREFIX,
) -> dict[str, Any]:
    """Loads weights only; see :func:`mmcv.runner.checkpoint.load_checkpoint`."""
    runner._info("load checkpoint from %s", filename)
    module, log = runner.strategy.module, runner.logger
    return checkpoint.load_checkpoint(module, filename, map_location, strict, log, revise_keys)
