"""Stop watches."""

from __future__ import annotations

import sys
from time import perf_counter


class TimerError(Exception):
    """A timer was read that does not run."""


class Timer:
    """Measures seconds; as a context it prints how long its body took.

    Args:
        start: start at once.
        print_tmpl: how the context prints the seconds, such as ``"loading took {:.1f}s"``.
    """

    def __init__(self, start: bool = True, print_tmpl: str | None = None) -> None:
        self.print_tmpl = print_tmpl or "{:.3f}"
        self._start = 0.0
        self._last = 0.0
        self._is_running = False
        if start:
            self.start()

    @property
    def is_running(self) -> bool:
        """Whether the timer was started."""
        return self._is_running

    def __enter__(self) -> Timer:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        sys.stdout.write(self.print_tmpl.format(self.since_last_check()) + "\n")
        self._is_running = False

    def start(self) -> None:
        """Starts the timer; does not reset one that runs."""
        now = perf_counter()
        if not self._is_running:
            self._start = now
            self._is_running = True
        self._last = now

    def since_start(self) -> float:
        """Returns the seconds since the start; counts as a check."""
        self._check()
        return self._last - self._start

    def since_last_check(self) -> float:
        """Returns the seconds since the start or the last call of either method."""
        before = self._last
        self._check()
        return self._last - before

    def _check(self) -> None:
        if not self._is_running:
            raise TimerError("timer is not running")
        self._last = perf_counter()


_timers: dict[str, Timer] = {}


def check_time(timer_id: str) -> float:
    """Returns the seconds since the last call with the same ``timer_id``; 0 at the first."""
    if timer_id not in _timers:
        _timers[timer_id] = Timer()
        return 0
    return _timers[timer_id].since_last_check()
