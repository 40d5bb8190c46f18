"""Segmentation as the shared training entry sees it. Importing this registers every name."""

import mmcv.backbones  # noqa: F401  registers what configs name
import mmseg.models  # noqa: F401
from mmcv.runner.launch import Task
from mmseg import __version__
from mmseg.datasets import build_dataset
from mmseg.registry import MODELS

TASK = Task(
    name="mmseg",
    version=__version__,
    models=MODELS,
    build_dataset=build_dataset,
    # SyncBN wants batches of one size, and a short one would weigh as much as a full one.
    train_loader=dict(drop_last=True),
)
