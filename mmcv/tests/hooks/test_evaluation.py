import logging
import os
from collections import OrderedDict
from unittest.mock import MagicMock

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import mmcv.engine
from mmcv.hooks.evaluation import DistEvalHook, EvalHook
from mmcv.hooks.hook import Hook
from mmcv.registry import ConfigError
from mmcv.runner.runner import EpochBasedRunner, IterBasedRunner

SCORES = [1, 4, 3, 7, 2, -3, 4, 6]
LOGGER = logging.getLogger("toy")


class Scored(Dataset):
    """Its results get the scores above, one after the other."""

    def __init__(self, keys=("acc", "index", "score", "loss_top")):
        self.keys, self.index, self.calls = keys, 0, []

    def __getitem__(self, i):
        return {"x": torch.tensor([1.0])}

    def __len__(self):
        return 1

    def pre_eval(self, predictions, indices):
        return [(float(p), i) for p, i in zip(predictions, indices, strict=True)]

    def evaluate(self, results, logger=None, **options):
        self.calls.append((results, options))
        score = SCORES[self.index]
        self.index += 1
        return OrderedDict((key, score) for key in self.keys)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.param = nn.Parameter(torch.tensor([1.0]))

    def forward(self, x, return_loss=True):
        assert return_loss == self.training
        return self.param * x

    def train_step(self, data, optimizer, **kwargs):
        assert self.training
        return {"loss": self(data["x"]).sum()}


def runner_of(cls=EpochBasedRunner, length=8, work_dir=None, **options):
    key = "max_epochs" if cls is EpochBasedRunner else "max_iters"
    return cls(Model(), work_dir=work_dir, logger=LOGGER, **{key: length}, **options)


def evaluated(hook, tmp_path, cls=EpochBasedRunner, length=8):
    runner = runner_of(cls, length, tmp_path)
    runner.register_hook(hook, priority="LOW")
    runner.run([DataLoader(Scored(), batch_size=1)], [("train", 1)])
    return runner


def val_loader(**kwargs):
    return DataLoader(Scored(**kwargs), batch_size=1)


def test_wrong_arguments():
    loader = val_loader()
    with pytest.raises(TypeError, match="must be a pytorch DataLoader"):
        EvalHook([loader])
    with pytest.raises(ValueError, match="interval must be a positive number"):
        EvalHook(loader, interval=-1)
    with pytest.raises(ValueError, match="evaluation start epoch -1 is smaller than 0"):
        EvalHook(loader, start=-1)
    with pytest.raises(AssertionError):
        EvalHook(loader, save_best=True)
    with pytest.raises(AssertionError):
        EvalHook(loader, by_epoch=1)
    with pytest.raises(ValueError, match="Cannot infer the rule for key unsupport"):
        EvalHook(loader, save_best="unsupport")
    with pytest.raises(KeyError, match="rule must be greater, less or None"):
        EvalHook(loader, save_best="auto", rule="unsupport")
    assert DistEvalHook is EvalHook


@pytest.mark.parametrize(
    ("options", "best", "score"),
    [
        (dict(save_best="auto"), "best_acc_epoch_4.pth", 7),  # the first of the results
        (dict(save_best="acc"), "best_acc_epoch_4.pth", 7),
        # As in 1.x: parts of keys for which greater is better ("top") are looked for first.
        (dict(save_best="loss_top"), "best_loss_top_epoch_4.pth", 7),
        (dict(save_best="loss_top", greater_keys=[]), "best_loss_top_epoch_6.pth", -3),
        (dict(save_best="score", rule="greater"), "best_score_epoch_4.pth", 7),
        (dict(save_best="acc", rule="less"), "best_acc_epoch_6.pth", -3),
        (dict(save_best="score", greater_keys="score"), "best_score_epoch_4.pth", 7),
        (dict(save_best="score", less_keys=["Scor"]), "best_score_epoch_6.pth", -3),
        (dict(save_best="acc", greater_keys=[], less_keys=["acc"]), "best_acc_epoch_6.pth", -3),
    ],
)
def test_the_best_checkpoint_is_kept(options, best, score, tmp_path):
    runner = evaluated(EvalHook(val_loader(), interval=1, **options), tmp_path)
    assert os.listdir(tmp_path) == [best]
    messages = runner.meta["hook_msgs"]
    assert messages["best_score"] == score and messages["best_ckpt"] == str(tmp_path / best)
    stored = torch.load(tmp_path / best)["meta"]["hook_msgs"]
    assert stored["best_score"] == score and stored["best_ckpt"] == str(tmp_path / best)


def test_auto_means_miou_where_there_is_one(tmp_path):
    hook = EvalHook(val_loader(keys=("aAcc", "mIoU", "mAcc")), save_best="auto")
    evaluated(hook, tmp_path, length=1)
    assert os.listdir(tmp_path) == ["best_mIoU_epoch_1.pth"]


def test_a_score_of_zero_is_a_score(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "SCORES", [0.0])
    runner = evaluated(EvalHook(val_loader(), save_best="acc"), tmp_path, length=1)
    assert runner.meta["hook_msgs"]["best_score"] == 0


def test_nothing_is_kept_unless_asked(tmp_path):
    runner = evaluated(EvalHook(val_loader()), tmp_path, length=2)
    assert os.listdir(tmp_path) == []
    assert "best_score" not in runner.meta.get("hook_msgs", {})


def test_empty_results_are_warned_about(tmp_path):
    with pytest.warns(UserWarning, match="Since `eval_res` is an empty dict"):
        evaluated(EvalHook(val_loader(keys=()), save_best="auto"), tmp_path, length=1)


def test_a_key_that_is_not_among_the_results(tmp_path):
    with pytest.raises(ConfigError, match=r"save_best='mAcc' is not among the results.*acc"):
        evaluated(EvalHook(val_loader(), save_best="mAcc"), tmp_path, length=1)


def test_the_best_one_so_far_is_known_after_a_resume(tmp_path):
    first = runner_of(length=2, work_dir=tmp_path)
    first.register_checkpoint_hook(dict(interval=1))
    first.register_hook(EvalHook(val_loader(), save_best="acc"), "LOW")
    first.run([val_loader()])
    old = tmp_path / "best_acc_epoch_2.pth"
    assert old.exists() and first.meta["hook_msgs"]["best_score"] == 4
    loader = val_loader()
    loader.dataset.index = 2  # the third epoch's score comes next
    runner = runner_of(work_dir=tmp_path)
    runner.register_checkpoint_hook(dict(interval=1))
    runner.register_hook(EvalHook(loader, save_best="acc"), "LOW")
    runner.resume(old)
    assert runner.epoch == 2 and runner.meta["hook_msgs"]["best_score"] == 4
    runner.run([val_loader()])
    assert runner.meta["hook_msgs"]["best_score"] == 7
    assert not old.exists() and (tmp_path / "best_acc_epoch_4.pth").exists()


def test_another_folder_for_the_best(tmp_path):
    hook = EvalHook(val_loader(), save_best="acc", out_dir=str(tmp_path / "out"))
    evaluated(hook, tmp_path / "run", length=1)
    assert os.listdir(tmp_path / "out" / "run") == ["best_acc_epoch_1.pth"]


@pytest.mark.parametrize("cls", [EpochBasedRunner, IterBasedRunner])
@pytest.mark.parametrize(
    ("start", "interval", "length", "num"),
    [
        (None, 1, 2, 2),
        (1, 1, 2, 2),
        (None, 2, 2, 1),
        (1, 2, 3, 2),
        (0, 1, 2, 3),  # before the first one too
        (3, 1, 2, 0),
        (2, 2, 6, 3),
    ],
)
def test_when_it_evaluates(cls, start, interval, length, num, tmp_path):
    loader = val_loader()
    options = dict(start=start, interval=interval, by_epoch=cls is EpochBasedRunner)
    evaluated(EvalHook(loader, **options), tmp_path, cls, length)
    assert len(loader.dataset.calls) == num


@pytest.mark.parametrize(("start", "num"), [(1, 2), (None, 1), (3, 1)])
def test_users_who_set_the_counter_by_hand_get_the_first_evaluation(start, num, tmp_path):
    loader = val_loader()
    runner = runner_of(length=3, work_dir=tmp_path)
    runner.register_hook(EvalHook(loader, start=start))
    runner._epoch = 2
    runner.run([val_loader()])
    assert len(loader.dataset.calls) == num


def test_what_the_data_set_is_given(tmp_path):
    loader = val_loader()
    evaluated(EvalHook(loader, metric="mIoU", mine=3), tmp_path, length=1)
    (results, options), *_ = loader.dataset.calls
    assert [r.item() for r in results] == [1.0] and options == {"metric": "mIoU", "mine": 3}
    loader = val_loader()
    evaluated(EvalHook(loader, pre_eval=True, efficient_test=True), tmp_path, length=1)
    assert loader.dataset.calls == [([(1.0, 0)], {})]


def test_the_test_function_can_be_replaced(tmp_path, monkeypatch):
    loader = val_loader()
    evaluated(EvalHook(loader, test_fn=lambda model, loader: ["mine"]), tmp_path, length=1)
    assert loader.dataset.calls[0][0] == ["mine"]
    monkeypatch.setattr(mmcv.engine, "single_gpu_test", MagicMock(return_value=["patched"]))
    loader = val_loader()
    evaluated(EvalHook(loader), tmp_path, length=1)
    assert loader.dataset.calls[0][0] == ["patched"]


def test_results_are_logged_apart_from_the_training(tmp_path):
    """The training of the iterations before is written first, then the results alone."""
    written = []

    class Log(Hook):
        def after_train_iter(self, runner):
            if runner.log_buffer.ready:
                written.append((runner.iter, dict(runner.log_buffer.output)))
                runner.log_buffer.clear_output()

    runner = runner_of(IterBasedRunner, 4, tmp_path)
    runner.register_logger_hooks(dict(interval=2, hooks=[dict(type="TextLoggerHook")]))
    runner.hooks[0].by_epoch = False
    runner.hooks[0].log = lambda r: written.append((r.iter, dict(r.log_buffer.output)))
    runner.hooks[0].reset_flag = True
    runner.register_timer_hook(dict(type="IterTimerHook"))
    runner.register_hook(EvalHook(val_loader(keys=("acc",)), interval=2, by_epoch=False), "LOW")
    runner.run([val_loader()])
    assert [(i, "time" in row, "acc" in row) for i, row in written] == [
        (1, True, False),
        (1, False, True),
        (3, True, False),
        (3, False, True),
    ]
    assert written[1][1] == {"acc": 1, "eval_iter_num": 1}


def test_events_and_modes_around_an_evaluation(tmp_path):
    seen = []

    class Watch(Hook):
        def before_evaluation(self, runner):
            seen.append(("before", runner.model.training))

        def after_evaluation(self, runner):
            seen.append(("after", runner.model.training))

    runner = runner_of(length=1, work_dir=tmp_path)
    runner.register_hook(EvalHook(val_loader()))
    runner.register_hook(Watch())
    runner.run([val_loader()])
    assert seen == [("before", True), ("after", True)]
