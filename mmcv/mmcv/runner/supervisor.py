"""What watches over a run: signals, ranks that hang, steps that are not finite, errors at the end.

The runner calls it at a few points; none of it is needed to understand the training loop.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mmcv.runner.agreement import Agreement
from mmcv.runner.failures import INTERRUPTED, Failures
from mmcv.runner.interruption import Interrupted, StopRequest
from mmcv.runner.loss_watch import NonFiniteLossError
from mmcv.runner.step_guard import StepGuard
from mmcv.runner.watchdog import Watchdog

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)


class Supervisor:
    """Watches over one run.

    Args:
        failures: what is done about which failure.
        stop: notes signals; one that has been listening since the program began, or a new one.
    """

    def __init__(self, failures: Failures | None = None, stop: StopRequest | None = None) -> None:
        self.failures = failures or Failures()
        self.stop = stop or StopRequest()
        self.guard = StepGuard(self.failures)
        self._agreement: Agreement | None = None
        self._watchdog: Watchdog | None = None

    @contextmanager
    def watching(self, runner: BaseRunner) -> Iterator[None]:
        """Watches while the run is going on. Collective."""
        timeout = self.failures.hang_timeout
        self.guard.prepare(runner)
        with self.stop.listening():
            self._agreement = Agreement() if timeout is None else Agreement(timeout + 60)
            try:
                with Watchdog(timeout) as self._watchdog:
                    yield
                    self._agreement.end()
            except (NonFiniteLossError, Interrupted):  # raised on all ranks together
                runner.strategy.finish_saving()
                raise
            except BaseException:
                # A checkpoint that is almost written must not be lost to another error.
                runner.strategy.leave()
                raise
            finally:
                self._agreement = self._watchdog = None

    def note(self, what: str) -> None:
        """Notes what begins, for the message should the run hang there."""
        if self._watchdog is not None:
            self._watchdog.note(what)

    def can_save(self, runner: BaseRunner) -> bool:
        """Whether a checkpoint of this iteration would be complete and good. Collective."""
        return runner.strategy.can_save and not self.guard.is_step_spoiled(runner)

    def meet_to_save(self) -> None:
        """Raises RuntimeError if not all ranks are about to save. Collective."""
        if self._agreement is not None:
            self._agreement.meet("runner.save_checkpoint()")

    def between_iterations(self, runner: BaseRunner) -> None:
        """Ends the run, its state saved, if any rank was asked to end. Collective.

        Raises:
            Interrupted: that is so.
        """
        if self._agreement is None or not self._agreement.any(self.stop.signal is not None):
            return
        if not self.can_save(runner):
            self.stop.signal = self.stop.signal or "another rank's signal"
            return  # a few iterations on, when its gradients are complete
        from mmcv.hooks.checkpoint import save_now

        path = save_now(runner)
        runner.strategy.finish_saving()
        self._agreement.end()
        _close_logs(runner)
        logger.warning(
            "%s: ends after iteration %d, saved as %s; exit code %d: start again with --auto-resume"
            " to continue",
            self.stop.signal or "a signal on another rank",
            runner.iter,
            path,
            INTERRUPTED,
        )
        raise Interrupted


def _close_logs(runner: Any) -> None:
    from mmcv.hooks.logger import LoggerHook

    loggers = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
    runner.call_hooks(loggers, "after_run")
