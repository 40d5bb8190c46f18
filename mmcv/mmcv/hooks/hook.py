"""What a hook is: methods that the runner calls at fixed points of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmcv.registry import HOOKS

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

__all__ = ["HOOKS", "Hook"]


class Hook:
    """Base class of hooks: every event has an empty body.

    The events of training and validation fall back on the generic ones: who defines ``before_iter``
    sees ``before_train_iter`` and ``before_val_iter``. A hook with ``state_dict()`` and
    ``load_state_dict(state)`` (plain types and tensors, equal on all ranks) is part of every
    checkpoint; its state is restored after ``before_run``.

    Attributes:
        replay: whether this hook wants to see again, after a resume, the event in which the
            checkpoint was written, because a kill may have come between the writing and its turn.
    """

    stages = (
        "before_run",
        "before_train_epoch",
        "before_train_iter",
        "after_train_iter",
        "after_train_epoch",
        "before_val_epoch",
        "before_val_iter",
        "after_val_iter",
        "after_val_epoch",
        "after_run",
    )
    priority: int  # set when the hook is registered
    replay = False

    def before_run(self, runner: BaseRunner) -> None:
        """Once, before the first iteration."""

    def after_run(self, runner: BaseRunner) -> None:
        """Once, after the last iteration."""

    def before_epoch(self, runner: BaseRunner) -> None:
        """Before every epoch; under an IterBasedRunner once."""

    def after_epoch(self, runner: BaseRunner) -> None:
        """After every epoch; under an IterBasedRunner once."""

    def before_iter(self, runner: BaseRunner) -> None:
        """Before every iteration."""

    def after_iter(self, runner: BaseRunner) -> None:
        """After every iteration; ``runner.iter`` is the 0-based index of the one just run."""

    def before_train_epoch(self, runner: BaseRunner) -> None:
        """Before every epoch of training."""
        self.before_epoch(runner)

    def before_val_epoch(self, runner: BaseRunner) -> None:
        """Before every epoch of validation losses."""
        self.before_epoch(runner)

    def after_train_epoch(self, runner: BaseRunner) -> None:
        """After every epoch of training; ``runner.epoch`` is that epoch's 0-based index."""
        self.after_epoch(runner)

    def after_val_epoch(self, runner: BaseRunner) -> None:
        """After every epoch of validation losses."""
        self.after_epoch(runner)

    def before_train_iter(self, runner: BaseRunner) -> None:
        """Before every iteration of training."""
        self.before_iter(runner)

    def before_val_iter(self, runner: BaseRunner) -> None:
        """Before every iteration of validation losses."""
        self.before_iter(runner)

    def after_train_iter(self, runner: BaseRunner) -> None:
        """After every forward pass of training; ``runner.outputs`` holds its results."""
        self.after_iter(runner)

    def after_val_iter(self, runner: BaseRunner) -> None:
        """After every iteration of validation losses."""
        self.after_iter(runner)

    def before_evaluation(self, runner: BaseRunner) -> None:
        """Before EvalHook runs the model over the validation set."""

    def after_evaluation(self, runner: BaseRunner) -> None:
        """After EvalHook has run the model over the validation set."""

    def before_save_checkpoint(self, runner: BaseRunner) -> None:
        """Before weights and hook states are collected for a checkpoint; on every rank."""

    def after_save_checkpoint(self, runner: BaseRunner) -> None:
        """After the values of a checkpoint were taken; it may still be on its way to disk."""

    def every_n_epochs(self, runner: BaseRunner, n: int) -> bool:
        """Whether the current epoch is an n-th one; never for n < 1."""
        return (runner.epoch + 1) % n == 0 if n > 0 else False

    def every_n_inner_iters(self, runner: BaseRunner, n: int) -> bool:
        """Whether the current iteration is an n-th one of its epoch; never for n < 1."""
        return (runner.inner_iter + 1) % n == 0 if n > 0 else False

    def every_n_iters(self, runner: BaseRunner, n: int) -> bool:
        """Whether the current iteration is an n-th one; never for n < 1."""
        return (runner.iter + 1) % n == 0 if n > 0 else False

    def end_of_epoch(self, runner: BaseRunner) -> bool:
        """Whether the current iteration is the last one of its epoch."""
        return runner.inner_iter + 1 == len(runner.data_loader)

    def is_last_epoch(self, runner: BaseRunner) -> bool:
        """Whether the current epoch is the last one of the run."""
        return runner.epoch + 1 == runner._max_epochs

    def is_last_iter(self, runner: BaseRunner) -> bool:
        """Whether the current iteration is the last one of the run."""
        return runner.iter + 1 == runner._max_iters

    def get_triggered_stages(self) -> list[str]:
        """Returns the 1.x stages in which this hook does something."""
        stages = {stage for stage in Hook.stages if self._defines(stage)}
        for generic in ("before_epoch", "after_epoch", "before_iter", "after_iter"):
            if self._defines(generic):
                when, what = generic.split("_")
                stages |= {f"{when}_train_{what}", f"{when}_val_{what}"}
        return [stage for stage in Hook.stages if stage in stages]

    def _defines(self, event: str) -> bool:
        function: Any = getattr(type(self), event)
        return function is not getattr(Hook, event)
