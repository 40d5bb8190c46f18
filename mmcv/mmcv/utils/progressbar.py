"""Progress bars with speed and remaining time, and loops that show one."""

from __future__ import annotations

import math
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import chain, islice
from shutil import get_terminal_size
from typing import Any, TextIO

from mmcv.utils.timer import Timer

# A collection, or an iterator together with the number of its items.
Tasks = Iterable[Any] | tuple[Iterable[Any], int]


class ProgressBar:
    """A line that says how many of the tasks are done, how fast, and when the rest will be.

    Args:
        task_num: number of tasks; 0: unknown, only counted.
        bar_width: width of the bar, less where the terminal is narrow.
        start: show the bar and start the clock at once.
        file: where it is written; standard output by default.
    """

    def __init__(
        self,
        task_num: int = 0,
        bar_width: int = 50,
        start: bool = True,
        file: TextIO | None = None,
    ) -> None:
        self.task_num = task_num
        self.bar_width = bar_width
        self.completed = 0
        self.file = sys.stdout if file is None else file
        self.timer = Timer(start=False)
        if start:
            self.start()

    @property
    def terminal_width(self) -> int:
        """Width of the terminal in characters."""
        return get_terminal_size().columns

    def start(self) -> None:
        """Shows the bar and starts the clock."""
        if self.task_num > 0:
            blank = " " * self.bar_width
            self.file.write(f"[{blank}] 0/{self.task_num}, elapsed: 0s, ETA:")
        else:
            self.file.write("completed: 0, elapsed: 0s")
        self.file.flush()
        self.timer.start()

    def update(self, num_tasks: int = 1) -> None:
        """Counts ``num_tasks`` more as done."""
        if num_tasks <= 0:
            raise ValueError(f"num_tasks must be positive, but got {num_tasks}")
        self.completed += num_tasks
        elapsed = self.timer.since_start()
        speed = self.completed / elapsed if elapsed > 0 else math.inf
        self.file.write(self._line(elapsed, speed))
        self.file.flush()

    def _line(self, elapsed: float, speed: float) -> str:
        seconds = int(elapsed + 0.5)
        if self.task_num <= 0:
            return f"completed: {self.completed}, elapsed: {seconds}s, {speed:.1f} tasks/s"
        done = self.completed / self.task_num
        remaining = int(elapsed * (1 - done) / done + 0.5)
        text = (
            f" {self.completed}/{self.task_num}, {speed:.1f} task/s,"
            f" elapsed: {seconds}s, ETA: {remaining:5}s"
        )
        # The return, the brackets and the text share the line with the bar.
        room = self.terminal_width - len(text) - 3
        width = max(2, min(self.bar_width, room, int(self.terminal_width * 0.6)))
        marks = int(width * done)
        return f"\r[{'>' * marks}{' ' * (width - marks)}]{text}"


def track_progress(
    func: Callable[..., Any],
    tasks: Tasks,
    bar_width: int = 50,
    file: TextIO | None = None,
    **kwargs: Any,
) -> list[Any]:
    """Calls ``func(task, **kwargs)`` for every task and shows the progress.

    Args:
        func: what is called.
        tasks: the tasks, or a tuple of an iterator and its length.
        bar_width: width of the bar.
        file: where it is shown; standard output by default.
        kwargs: passed to every call.
    """
    items = track_iter_progress(tasks, bar_width, file)
    return [func(task, **kwargs) for task in items]


def track_iter_progress(
    tasks: Tasks, bar_width: int = 50, file: TextIO | None = None
) -> Iterator[Any]:
    """Yields every task; one counts as done when the next is asked for. Arguments as above."""
    tasks, num_tasks = _counted(tasks)
    return _track(tasks, ProgressBar(num_tasks, bar_width, file=file))


def _track(tasks: Iterable[Any], bar: ProgressBar) -> Iterator[Any]:
    for task in tasks:
        yield task
        bar.update()
    bar.file.write("\n")


def track_parallel_progress(
    func: Callable[[Any], Any],
    tasks: Tasks,
    nproc: int,
    initializer: Callable[..., None] | None = None,
    initargs: tuple[Any, ...] | None = None,
    bar_width: int = 50,
    chunksize: int = 1,
    skip_first: bool = False,
    keep_order: bool = True,
    file: TextIO | None = None,
) -> list[Any]:
    """Calls ``func(task)`` in several processes and shows the progress.

    A process that dies ends the loop with ``BrokenProcessPool``.

    Args:
        func: a function that processes can import.
        tasks: the tasks, or a tuple of an iterator and its length.
        nproc: number of processes.
        initializer: called once in every process.
        initargs: arguments of ``initializer``.
        bar_width: width of the bar.
        chunksize: tasks that go to a process at a time.
        skip_first: leave the first chunk of every process out of the count, because warming up
            would spoil the estimate.
        keep_order: results in the order of the tasks; otherwise in the order of their arrival.
        file: where the bar is shown; standard output by default.
    """
    tasks, num_tasks = _counted(tasks)
    if initargs is not None and not isinstance(initargs, tuple):
        raise TypeError('"initargs" must be a tuple')
    num_skipped = nproc * chunksize if skip_first else 0
    bar = ProgressBar(num_tasks - num_skipped, bar_width, start=not skip_first, file=file)
    results: list[Any] = []
    with ProcessPoolExecutor(
        nproc, multiprocessing.get_context(), initializer, initargs or ()
    ) as pool:
        futures = [pool.submit(_run_all, func, chunk) for chunk in _chunks(tasks, chunksize)]
        ready = futures if keep_order else as_completed(futures)
        for result in chain.from_iterable(future.result() for future in ready):
            results.append(result)
            if len(results) == num_skipped:
                bar.start()
            elif len(results) > num_skipped:
                bar.update()
    bar.file.write("\n")
    return results


def _run_all(func: Callable[[Any], Any], tasks: list[Any]) -> list[Any]:
    return [func(task) for task in tasks]


def _chunks(tasks: Iterable[Any], size: int) -> Iterator[list[Any]]:
    items = iter(tasks)
    return iter(lambda: list(islice(items, size)), [])


def _counted(tasks: Any) -> tuple[Iterable[Any], int]:
    if isinstance(tasks, tuple) and len(tasks) == 2 and _is_iterable_and_count(*tasks):
        return tasks
    if not hasattr(tasks, "__iter__") or not hasattr(tasks, "__len__"):
        raise TypeError(
            '"tasks" must be an iterable object with a length or a tuple of an iterator and an int'
        )
    return tasks, len(tasks)


def _is_iterable_and_count(tasks: Any, count: Any) -> bool:
    return isinstance(tasks, Iterable) and isinstance(count, int)
