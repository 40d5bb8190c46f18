"""mmcv.utils.timer, with a clock that the test moves."""

import pytest

from mmcv.utils import timer as timers
from mmcv.utils.timer import Timer, TimerError, check_time


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(timers, "perf_counter", lambda: now[0])
    return now


def test_seconds_since_start_and_since_the_last_check(clock):
    timer = Timer()
    clock[0] += 2
    assert timer.since_start() == 2
    clock[0] += 3
    assert timer.since_last_check() == 3  # since_start was a check too
    clock[0] += 4
    timer.start()  # runs already: the start stays
    assert timer.since_start() == 9


def test_a_timer_that_does_not_run_cannot_be_read(clock):
    timer = Timer(start=False)
    assert not timer.is_running
    for read in (timer.since_start, timer.since_last_check):
        with pytest.raises(TimerError, match="not running"):
            read()
    timer.start()
    assert timer.is_running


def test_a_context_prints_its_seconds(clock, capsys):
    with Timer() as timer:
        clock[0] += 1.25
    with Timer(print_tmpl="time: {:.1f}s"):
        clock[0] += 1
    assert capsys.readouterr().out == "1.250\ntime: 1.0s\n"
    assert not timer.is_running


def test_check_time_is_kept_by_name(clock):
    assert check_time("test_timer.a") == 0
    clock[0] += 5
    assert check_time("test_timer.b") == 0
    assert check_time("test_timer.a") == 5


def test_the_real_clock_moves_forward():
    timer = Timer()
    first = timer.since_start()
    assert 0 <= first <= timer.since_start()
