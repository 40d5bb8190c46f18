import time

from mmcv.hooks.iter_timer import IterTimerHook


def test_times_of_data_and_iteration(make_runner, batches, monkeypatch):
    clock = iter(range(100))  # a second passes between any two looks
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    runner = make_runner(length=2)
    runner.hooks[:] = []
    runner.register_timer_hook(IterTimerHook())  # looks at 0
    runner.run(batches)
    # before_epoch looks at 1; then before and after each iteration, and once to start anew.
    assert runner.log_buffer.val_history["data_time"] == [1.0, 1.0]
    assert runner.log_buffer.val_history["time"] == [2.0, 2.0]
