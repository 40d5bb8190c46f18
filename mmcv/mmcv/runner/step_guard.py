"""A step whose gradients are not finite is left out, and what led to it is named."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mmcv.runner.dist_utils import all_gather_objects, get_dist_info
from mmcv.runner.failures import Failures
from mmcv.runner.loss_watch import CURE, NonFiniteLossError
from mmcv.runner.seed import get_rng_state, set_rng_state

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
NUM_NAMED = 8  # samples in a message; the log has all of them


@dataclass
class _Start:
    """Where a step of the optimizer began: with the first of the iterations it consists of."""

    iter: int
    inner_iter: int
    epoch: int
    batch: int
    rng: dict[str, Any]


class StepGuard:
    """Looks at the gradients of every step before they can do harm.

    The strategy leaves such a step out (``Strategy.skips_non_finite``); normalisation statistics,
    which the forward pass has changed already, are put back.

    Args:
        failures: ``non_finite`` and ``max_skips``.
    """

    def __init__(self, failures: Failures) -> None:
        self.policy = failures.non_finite
        self.max_skips = failures.max_skips
        self.num_skipped = 0
        self.num_in_a_row = 0
        self._start: _Start | None = None
        self._statistics: list[Tensor] = []
        self._samples: dict[int, list[str]] = {}

    @property
    def is_step_open(self) -> bool:
        """Whether iterations have been run whose step is still to come, and to be looked at."""
        return self._start is not None

    def is_step_spoiled(self, runner: BaseRunner) -> bool:
        """Whether a step that is still to come will be left out on account of its losses so far.

        Collective if gradients are accumulated.
        """
        if not self.is_step_open:
            return False
        return any(all_gather_objects(bool(runner.loss_watch.bad_parts(min(self._samples)))))

    def prepare(self, runner: BaseRunner) -> None:
        """Tells the strategy what to do about such a step; once, before the run."""
        runner.strategy.skips_non_finite = self.policy != "watch"

    def before_iteration(self, runner: BaseRunner, batch: Any) -> None:
        """Remembers the state that a step which begins here may have to be put back to."""
        if self.policy == "watch":
            return
        if self._start is None:
            self._start = _start_of(runner)
            current = _statistics(runner.strategy.module)
            if len(self._statistics) != len(current):
                self._statistics = [value.clone() for value in current]
            elif current:
                torch._foreach_copy_(self._statistics, current)
        self._samples[runner.iter] = sample_names(batch)

    def after_update(self, runner: BaseRunner, norm: Any) -> bool:
        """Returns whether the step was taken; all ranks come to the same result.

        Args:
            runner: whose iteration it is.
            norm: of the gradients over all ranks; None: no step was due.

        Raises:
            NonFiniteLossError: it was not, and the policy is to stop.
        """
        if self.policy == "watch" or norm is None:
            return True
        if runner.strategy.scales_loss or math.isfinite(float(norm)):
            self.num_in_a_row = 0
            self._forget()
            return True
        complaint = self._complaint(runner)
        self._put_statistics_back(runner)
        runner.loss_watch.forget(min(self._samples))
        runner.log_buffer.drop_latest(runner.outputs.get("log_vars", {}), len(self._samples))
        self.num_skipped += 1
        self.num_in_a_row += 1
        if self.policy == "stop" or self.num_in_a_row > self.max_skips:
            raise NonFiniteLossError(f"{complaint}. {self._stop(runner)}; {CURE}")
        logger.warning(
            "skipped the step (%d in a row, %d in all): %s",
            self.num_in_a_row,
            self.num_skipped,
            complaint,
        )
        self._forget()
        return False

    def _forget(self) -> None:
        self._start = None
        self._samples.clear()

    def _stop(self, runner: BaseRunner) -> str:
        """Saves the state before the step; returns what became of it. Collective."""
        from mmcv.hooks.checkpoint import save_now

        start, batches = self._start, runner.batches
        if start is None or batches is None:
            return "The last checkpoint stays"
        runner._iter, runner._inner_iter = start.iter, start.inner_iter
        batches.seek(start.epoch, start.batch)
        set_rng_state(start.rng)
        runner.strategy.boundary = True
        runner._event = None  # as between two iterations
        path = save_now(runner)
        return f"The state before it is saved as {path}" if path else "Nothing was saved"

    def _put_statistics_back(self, runner: BaseRunner) -> None:
        for value, kept in zip(_statistics(runner.strategy.module), self._statistics, strict=True):
            value.copy_(kept)

    def _complaint(self, runner: BaseRunner) -> str:
        """Returns which losses of which samples were not finite. Collective."""
        mine = runner.loss_watch.bad_parts(min(self._samples))
        found = all_gather_objects((mine, dict(self._samples)))
        texts = [
            f"iteration {i + 1}{_of(rank)}: {', '.join(parts)}, of {_shortened(samples[i])}"
            for rank, (bad, samples) in enumerate(found)
            for i, parts in bad.items()
        ]
        if texts:
            return f"the loss is not finite in {'; '.join(texts)}"
        named = [name for _, samples in found for names in samples.values() for name in names]
        if len(named) > NUM_NAMED:
            logger.warning("samples of the step that is not finite: %s", ", ".join(named))
        return (
            f"the gradients of iteration {runner.iter + 1} are not finite, though the losses are;"
            f" of {_shortened(named)}"
        )


def sample_names(batch: Any) -> list[str]:
    """Returns the files of a batch, as far as its meta data name them."""
    metas = batch.get("img_metas") if isinstance(batch, Mapping) else None
    if not isinstance(metas, (list, tuple)):
        return []
    names = [meta.get("filename") for meta in metas if isinstance(meta, Mapping)]
    return [str(name) for name in names if name]


def _start_of(runner: BaseRunner) -> _Start:
    assert runner.batches is not None
    epoch, batch = runner.batches.epoch, max(runner.batches.batch - 1, 0)
    return _Start(runner.iter, runner.inner_iter, epoch, batch, get_rng_state())


def _statistics(module: nn.Module) -> list[Tensor]:
    """Returns the buffers that a forward pass in training mode changes."""
    return list(_iterate_statistics(module))


def _iterate_statistics(module: nn.Module) -> Iterator[Tensor]:
    for child in module.modules():
        for name in STATISTICS:
            value = getattr(child, name, None)
            if isinstance(value, Tensor):
                yield value


def _of(rank: int) -> str:
    return f" on rank {rank}" if get_dist_info()[1] > 1 else ""


def _shortened(names: list[str]) -> str:
    if not names:
        return "samples without a file name"
    more = len(names) - NUM_NAMED
    return ", ".join(names[:NUM_NAMED]) + (f" and {more} more" if more > 0 else "")
