"""Signals with which a scheduler announces the end of a job's time."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mmcv.runner.failures import INTERRUPTED

logger = logging.getLogger(__name__)

# SLURM's --signal=USR1@120, and what every scheduler sends before it kills.
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Interrupted(SystemExit):
    """Ends a run that a signal asked to end, after its state was saved."""

    def __init__(self) -> None:
        super().__init__(INTERRUPTED)


class StopRequest:
    """Whether this process was asked to end; the run looks at it between two iterations.

    Attributes:
        signal: name of the signal that came; None: none did.
    """

    def __init__(self) -> None:
        self.signal: str | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes note of signals that would end the process, and that nobody else handles."""
        replaced = {}
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    replaced[number] = signal.signal(number, self._note)
        try:
            yield
        finally:
            for number, old in replaced.items():
                signal.signal(number, old)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number).name
