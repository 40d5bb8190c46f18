"""A task small enough for tests: a linear segmentor on random images, through the whole launch.

Run as a script it is what ``tools/train.py`` is for a real task.
"""

import os
import signal

import numpy as np
import torch
from torch import nn

from mmcv.cnn.sync_batch_norm import SyncBatchNorm
from mmcv.hooks.hook import Hook
from mmcv.model import BaseModel
from mmcv.registry import DATASETS, HOOKS, MODELS, ConfigError, Registry
from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.launch import Task, train_main

TOY_MODELS = Registry("model", parent=MODELS, scope="toy")
TOY_DATASETS = Registry("dataset", parent=DATASETS, scope="toy")


@TOY_MODELS.register_module()
class ToyModel(BaseModel):
    """Classifies pixels; dropout and batch norm draw numbers and keep statistics."""

    def __init__(self, channels=4, dropout=0.5, num_classes=3, poison_at=None, poison_rank=0):
        super().__init__()
        # Without a bias: before a norm its gradient is nothing but rounding, which Adam blows up.
        self.backbone = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.norm = SyncBatchNorm(channels)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Conv2d(channels, num_classes, 1)
        self.poison_at, self.poison_rank = poison_at, poison_rank
        self.calls = 0

    def forward_train(self, img, img_metas, gt_semantic_seg):
        logits = self._logits(img)
        loss = nn.functional.cross_entropy(logits.float(), gt_semantic_seg.squeeze(1).long())
        self.calls += 1
        if self.poison_at == self.calls and get_dist_info()[0] == self.poison_rank:
            loss = loss * float("nan")
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

    def __init__(self, size=10, test_mode=False, noise=0.5, root=None, broken_at=None):
        if root is not None and not os.path.isdir(root):
            raise ConfigError(f"the folder {root!r} does not exist")
        self.size, self.test_mode, self.noise, self.broken_at = size, test_mode, noise, broken_at

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        from mmcv.data.errors import DataError

        if i == self.broken_at:
            raise DataError(f"image {i}.jpg is truncated: replace the file")
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


TASK = Task(
    name="toy",
    version="1.0",
    models=TOY_MODELS,
    build_dataset=lambda cfg, defaults=None: TOY_DATASETS.build(cfg, default_args=defaults),
    train_loader={"drop_last": True},
)

if __name__ == "__main__":
    train_main(TASK)
