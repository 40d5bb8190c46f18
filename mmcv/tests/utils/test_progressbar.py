"""mmcv.utils.progressbar: the text it shows, and what the tracked loops return."""

import os
from concurrent.futures.process import BrokenProcessPool
from io import StringIO

import pytest

from mmcv.utils import timer as timers
from mmcv.utils.progressbar import (
    ProgressBar,
    track_iter_progress,
    track_parallel_progress,
    track_progress,
)


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when the test says so."""
    now = [50.0]
    monkeypatch.setattr(timers, "perf_counter", lambda: now[0])
    monkeypatch.setenv("COLUMNS", "80")
    return now


def one_second(clock, result=None):
    clock[0] += 1
    return result


def rest(out, start):
    return out.getvalue()[len(start) :]


def test_start_shows_an_empty_bar(clock):
    out = StringIO()
    bar = ProgressBar(bar_width=20, file=out, start=False)
    assert out.getvalue() == ""
    bar.start()
    assert out.getvalue() == "completed: 0, elapsed: 0s"
    out = StringIO()
    ProgressBar(10, bar_width=20, file=out)
    assert out.getvalue() == f"[{' ' * 20}] 0/10, elapsed: 0s, ETA:"


def test_update_shows_speed_and_remaining_time(clock):
    out = StringIO()
    bar = ProgressBar(bar_width=20, file=out)
    start = out.getvalue()
    one_second(clock)
    bar.update()
    assert rest(out, start) == "completed: 1, elapsed: 1s, 1.0 tasks/s"

    out = StringIO()
    bar = ProgressBar(10, bar_width=20, file=out)
    start = out.getvalue()
    one_second(clock)
    bar.update()
    assert rest(out, start) == f"\r[>>{' ' * 18}] 1/10, 1.0 task/s, elapsed: 1s, ETA:     9s"
    with pytest.raises(ValueError, match="positive"):
        bar.update(0)


@pytest.mark.parametrize("columns", [200, 80, 70, 60, 55])
def test_a_line_fits_the_terminal(clock, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = StringIO()
    bar = ProgressBar(10, bar_width=30, file=out)
    start = out.getvalue()
    one_second(clock)
    bar.update()
    assert len(rest(out, start)) <= columns


def test_a_bar_writes_to_the_current_stdout(clock, capsys):
    ProgressBar(3, bar_width=2)
    assert capsys.readouterr().out == "[  ] 0/3, elapsed: 0s, ETA:"


EXPECTED = (
    "[   ] 0/3, elapsed: 0s, ETA:"
    "\r[>  ] 1/3, 1.0 task/s, elapsed: 1s, ETA:     2s"
    "\r[>> ] 2/3, 1.0 task/s, elapsed: 2s, ETA:     1s"
    "\r[>>>] 3/3, 1.0 task/s, elapsed: 3s, ETA:     0s\n"
)


@pytest.mark.parametrize("kind", ["list", "pair"])
def test_track_progress(clock, kind):
    out = StringIO()
    tasks = [1, 2, 3] if kind == "list" else (iter([1, 2, 3]), 3)
    results = track_progress(
        lambda x, plus: one_second(clock, x + plus), tasks, bar_width=3, file=out, plus=10
    )
    assert results == [11, 12, 13]
    assert out.getvalue() == EXPECTED


def test_track_iter_progress(clock):
    out = StringIO()
    seen = []
    for task in track_iter_progress([1, 2, 3], bar_width=3, file=out):
        one_second(clock)
        seen.append(task)
    assert seen == [1, 2, 3]
    assert out.getvalue() == EXPECTED


def test_a_pair_of_tasks_is_not_an_iterator_with_a_count():
    assert track_progress(str, ("a", "b"), file=StringIO()) == ["a", "b"]


@pytest.mark.parametrize("tasks", [3, iter([1]), object()])
def test_tasks_must_have_a_count(tasks):
    with pytest.raises(TypeError, match="tasks"):
        track_progress(str, tasks, file=StringIO())


def double(x):
    return 2 * x


def end_process(x):
    os._exit(7)


@pytest.mark.parametrize("chunksize", [1, 3])
@pytest.mark.parametrize("skip_first", [False, True])
@pytest.mark.parametrize("keep_order", [False, True])
def test_track_parallel_progress(chunksize, skip_first, keep_order):
    out = StringIO()
    results = track_parallel_progress(
        double,
        (iter(range(8)), 8),
        2,
        chunksize=chunksize,
        skip_first=skip_first,
        keep_order=keep_order,
        file=out,
    )
    expected = [2 * x for x in range(8)]
    assert (results if keep_order else sorted(results)) == expected
    counted = 8 - (2 * chunksize if skip_first else 0)
    assert f" {counted}/{counted}," in out.getvalue()


def test_a_process_that_dies_ends_the_loop():
    with pytest.raises(BrokenProcessPool):
        track_parallel_progress(end_process, [1, 2], 2, file=StringIO())
    with pytest.raises(TypeError, match="initargs"):
        track_parallel_progress(double, [1], 1, print, [1], file=StringIO())  # type: ignore[arg-type]


@pytest.mark.parametrize(("columns", "length"), [(80, 66), (60, 60), (30, 48)])
def test_the_bar_shrinks_with_the_terminal(clock, monkeypatch, columns, length):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = StringIO()
    bar = ProgressBar(10, bar_width=20, file=out)
    start = out.getvalue()
    one_second(clock)
    bar.update()
    assert len(rest(out, start)) == length
