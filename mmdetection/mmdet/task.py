"""Detection as the shared training entry sees it. Importing this registers every name."""

import mmcv.backbones  # noqa: F401  registers what configs name
import mmdet.hooks
import mmdet.models  # noqa: F401
from mmcv.runner.launch import Task
from mmdet import __version__
from mmdet.datasets import build_dataset
from mmdet.registry import MODELS

TASK = Task(name="mmdet", version=__version__, models=MODELS, build_dataset=build_dataset)
