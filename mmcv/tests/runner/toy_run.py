"""A task small enough for tests: a linear segmentor on random images, through the whole launch.

Run as a script it is what ``tools/train.py`` is for a real task.
"""

import functools
import mmap
import os
import signal
import time

import numpy as np
import torch
from torch import nn

from mmcv.cnn.sync_batch_norm import SyncBatchNorm
from mmcv.hooks.evaluation import EvalHook
from mmcv.hooks.hook import Hook
from mmcv.model import BaseModel
from mmcv.registry import DATASETS, HOOKS, MODELS, ConfigError, Registry
from mmcv.runner import agreement, file_saver
from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.launch import Task, train_main
from mmcv.runner.runner import BaseRunner
from mmcv.runner.store import CheckpointStore
from mmcv.runner.zero import directory

TOY_MODELS = Registry("model", parent=MODELS, scope="toy")
TOY_DATASETS = Registry("dataset", parent=DATASETS, scope="toy")


@TOY_MODELS.register_module()
class ToyModel(BaseModel):
    """Classifies pixels; dropout and batch norm draw numbers and keep statistics."""

    def __init__(
        self,
        channels=4,
        dropout=0.5,
        num_classes=3,
        poison_at=None,
        poison_rank=0,
        poison="loss",
        hoard_at=None,
    ):
        super().__init__()
        # Without a bias: before a norm its gradient is nothing but rounding, which Adam blows up.
        self.backbone = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.norm = SyncBatchNorm(channels)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Conv2d(channels, num_classes, 1)
        self.poison_at = [poison_at] if isinstance(poison_at, int) else poison_at or ()
        self.poison_rank, self.poison, self.hoard_at = poison_rank, poison, hoard_at
        self.calls = 0

    def forward_train(self, img, img_metas, gt_semantic_seg):
        logits = self._logits(img)
        loss = nn.functional.cross_entropy(logits.float(), gt_semantic_seg.squeeze(1).long())
        self.calls += 1
        if self.hoard_at == self.calls:
            torch.empty(2**62, dtype=torch.uint8)
        if self.calls in self.poison_at and get_dist_info()[0] == self.poison_rank:
            if self.poison == "loss":
                loss = loss * float("nan")
                self.norm.running_mean.data.fill_(float("nan"))  # as bad features would leave it
            else:  # the gradient of sqrt at 0 is infinite, its value is not
                loss = loss + (self.head.weight.sum() * 0).sqrt()
        accuracy = (logits.argmax(1) == gt_semantic_seg.squeeze(1)).float().mean() * 100
        return {"decode.loss_ce": loss, "decode.acc_seg": accuracy}

    def simple_test(self, img, img_metas):
        return list(self._logits(img).argmax(1).cpu().numpy())

    def aug_test(self, imgs, img_metas):
        raise NotImplementedError

    def _logits(self, img):
        feats = self.backbone(img.to(self.backbone.weight.dtype))
        x = self.norm(feats.to(self.head.weight.dtype))
        return self.head(self.dropout(torch.relu(x)))


@TOY_DATASETS.register_module()
class ToyDataset:
    """Images that are noise drawn anew in every epoch over a fixed pattern."""

    CLASSES = ("a", "b", "c")
    METRICS = ("mIoU", "mDice")
    PALETTE = [[0, 0, 0], [1, 1, 1], [2, 2, 2]]

    def __init__(
        self,
        size=10,
        test_mode=False,
        noise=0.5,
        root=None,
        broken_at=None,
        fatal_at=None,
        hang_rank=None,
        delay=0.0,
    ):
        if root is not None and not os.path.isdir(root):
            raise ConfigError(f"the folder {root!r} does not exist")
        self.size, self.test_mode, self.noise, self.broken_at = size, test_mode, noise, broken_at
        self.fatal_at, self.hang_rank, self.num_drawn = fatal_at, hang_rank, 0
        self.delay = delay

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        from mmcv.data.errors import DataError

        if i == self.broken_at:
            raise DataError(f"image {i}.jpg is truncated: replace the file")
        if i == self.fatal_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.num_drawn += 1
        time.sleep(self.delay)
        if self.num_drawn == 8 and self.hang_rank == get_dist_info()[0]:
            time.sleep(1000)
        pattern = np.random.RandomState(i)
        label = pattern.randint(0, 3, (1, 8, 8)).astype(np.int64)
        img = label.repeat(3, 0).astype(np.float32) + pattern.randn(3, 1, 1).astype(np.float32)
        meta = {"filename": f"{i}.jpg", "ori_shape": (8, 8, 3)}
        if self.test_mode:
            return {"img": [torch.from_numpy(img)], "img_metas": [meta]}
        img = img + self.noise * np.random.randn(3, 8, 8).astype(np.float32)
        gt = torch.from_numpy(label)
        return {"img": torch.from_numpy(img), "img_metas": meta, "gt_semantic_seg": gt}

    def pre_eval(self, predictions, indices):
        truth = [np.random.RandomState(i).randint(0, 3, (8, 8)) for i in indices]
        return [float((p == t).mean()) for p, t in zip(predictions, truth, strict=True)]

    def evaluate(self, results, metric="mIoU", logger=None):
        assert len(results) == len(self)
        return {"aAcc": float(np.mean(results)), "mIoU": float(np.mean(results) / 2)}


class Killed(BaseException):
    """Ends a run that is to be continued, where a real kill would take too long."""


@HOOKS.register_module()
class KillHook(Hook):
    """Ends this process once, at an event of an iteration: by SIGKILL, or like it."""

    def __init__(self, at, when="after_train_iter", real=True):
        self.at, self.when, self.real = at, when, real

    def before_train_iter(self, runner):
        self._kill(runner, "before_train_iter")

    def after_train_iter(self, runner):
        self._kill(runner, "after_train_iter")

    def after_train_epoch(self, runner):
        self._kill(runner, "after_train_epoch")

    def before_save_checkpoint(self, runner):
        self._kill(runner, "before_save_checkpoint")

    def after_save_checkpoint(self, runner):
        self._kill(runner, "after_save_checkpoint")

    def before_evaluation(self, runner):
        self._kill(runner, "before_evaluation")

    def _kill(self, runner, event):
        flag = os.path.join(runner.work_dir, f"killed.{runner.rank}")
        if event != self.when or runner.iter != self.at or os.path.exists(flag):
            return
        open(flag, "w").close()
        if self.real:
            os.kill(os.getpid(), signal.SIGKILL)
        raise Killed


@HOOKS.register_module()
class EventHook(Hook):
    """Does something in one iteration on one rank: signals itself, sleeps, saves alone."""

    def __init__(self, at, what, rank=0, argument=None):
        self.at, self.what, self.rank, self.argument = at, what, rank, argument

    def after_train_iter(self, runner):
        if runner.iter == self.at and runner.rank == self.rank:
            getattr(self, self.what)(runner)

    def signal(self, runner):
        os.kill(os.getpid(), getattr(signal, self.argument))

    def sleep(self, runner):
        time.sleep(self.argument)

    def save_alone(self, runner):
        agreement.PATIENCE = self.argument
        runner.save_checkpoint(runner.work_dir, "mine.pth")


def tell_phases(file):
    """Lets this process say, in the first byte of a file, what it is doing."""
    with open(file, "r+b") as handle:
        shared = mmap.mmap(handle.fileno(), mmap.PAGESIZE)

    def telling(owner, name, phase):
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapper(*args, **kwargs):
            before, shared[0] = shared[0], phase
            try:
                return original(*args, **kwargs)
            finally:
                shared[0] = before

        setattr(owner, name, wrapper)

    telling(BaseRunner, "_train_iter", 1)
    telling(BaseRunner, "save_checkpoint", 2)
    telling(file_saver, "save_file", 3)
    telling(directory, "_write_file", 3)
    telling(CheckpointStore, "prune", 4)
    telling(EvalHook, "_do_evaluate", 5)


TASK = Task(
    name="toy",
    version="1.0",
    models=TOY_MODELS,
    build_dataset=lambda cfg, defaults=None: TOY_DATASETS.build(cfg, default_args=defaults),
    train_loader={"drop_last": True},
)

if __name__ == "__main__":
    train_main(TASK)
