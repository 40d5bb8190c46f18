from types import SimpleNamespace

import pytest

from mmcv.hooks.hook import Hook


def runner(**counters):
    defaults = dict(epoch=0, iter=0, inner_iter=0, _max_epochs=3, _max_iters=6, data_loader=[1, 2])
    return SimpleNamespace(**{**defaults, **counters})


@pytest.mark.parametrize(
    ("specific", "generic"),
    [
        (f"{when}_{mode}_{what}", f"{when}_{what}")
        for when in ("before", "after")
        for mode in ("train", "val")
        for what in ("epoch", "iter")
    ],
)
def test_events_fall_back_on_the_generic_ones(specific, generic):
    seen = []
    hook = type("Mine", (Hook,), {generic: lambda self, runner: seen.append(runner)})()
    getattr(hook, specific)("the runner")
    assert seen == ["the runner"]


def test_counting():
    hook = Hook()
    for count in range(7):
        for n in (-1, 0, 1, 2, 3):
            expected = n > 0 and (count + 1) % n == 0
            assert hook.every_n_epochs(runner(epoch=count), n) == expected
            assert hook.every_n_iters(runner(iter=count), n) == expected
            assert hook.every_n_inner_iters(runner(inner_iter=count), n) == expected
    assert hook.end_of_epoch(runner(inner_iter=1)) and not hook.end_of_epoch(runner())
    assert hook.is_last_epoch(runner(epoch=2)) and not hook.is_last_epoch(runner(epoch=1))
    assert hook.is_last_iter(runner(iter=5)) and not hook.is_last_iter(runner(iter=4))


def test_triggered_stages_are_those_of_1x_in_their_order():
    class Mine(Hook):
        def after_run(self, runner): ...

        def before_epoch(self, runner): ...

        def after_train_iter(self, runner): ...

        def before_evaluation(self, runner): ...  # no stage of 1.x

    assert Mine().get_triggered_stages() == [
        "before_train_epoch",
        "after_train_iter",
        "before_val_epoch",
        "after_run",
    ]
    assert Hook().get_triggered_stages() == []
