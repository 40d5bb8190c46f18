"""Parts of pipelines, and the check of a model's classes against the data set's."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mmcv.hooks import Hook
from mmcv.image.checks import require
from mmcv.registry import HOOKS, ConfigError
from mmdet.datasets.pipelines import LoadAnnotations, LoadImageFromFile
from mmdet.registry import PIPELINES

if TYPE_CHECKING:
    from mmcv.runner.runner import BaseRunner

logger = logging.getLogger(__name__)

# Modules whose number of classes is another one on purpose.
OTHER_CLASSES = ("RPNHead", "GARPNHead", "FusedSemanticHead", "VGG", "SSDVGG")


def replace_ImageToTensor(pipelines: Sequence[Any]) -> list[Any]:
    """Returns a test pipeline whose ImageToTensor is DefaultFormatBundle, for batches of images."""
    steps = copy.deepcopy(list(pipelines))
    for i, step in enumerate(steps):
        if step["type"] == "MultiScaleFlipAug":
            require("transforms" in step, "MultiScaleFlipAug needs transforms")
            step["transforms"] = replace_ImageToTensor(step["transforms"])
        elif step["type"] == "ImageToTensor":
            warnings.warn(
                '"ImageToTensor" pipeline is replaced by "DefaultFormatBundle" for batch inference.'
                " It is recommended to manually replace it in the test data pipeline in your config"
                " file.",
                UserWarning,
                stacklevel=2,
            )
            steps[i] = {"type": "DefaultFormatBundle"}
    return steps


def get_loading_pipeline(pipeline: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Returns the two steps of a pipeline that load image and annotations."""
    loading = [
        step
        for step in pipeline
        if PIPELINES.get(step["type"]) in (LoadImageFromFile, LoadAnnotations)
    ]
    require(
        len(loading) == 2,
        "The data pipeline in your config file must include loading image and annotations related"
        " pipeline.",
    )
    return loading


@HOOKS.register_module()
class NumClassCheckHook(Hook):
    """Compares ``num_classes`` of every head with the number of CLASSES, before each epoch."""

    def before_train_epoch(self, runner: BaseRunner) -> None:
        """Checks; see the class."""
        self._check_head(runner)

    before_val_epoch = before_train_epoch

    def _check_head(self, runner: BaseRunner) -> None:
        dataset: Any = runner.data_loader.dataset  # type: ignore[union-attr]
        classes = dataset.CLASSES
        name = type(getattr(dataset, "dataset", dataset)).__name__
        if classes is None:
            logger.warning(
                "Please set `CLASSES` in the %s and check if it is consistent with the"
                " `num_classes` of head",
                name,
            )
            return
        if isinstance(classes, str):
            raise ConfigError(
                f"`CLASSES` in {name} should be a tuple of str. Add comma if number of classes is 1"
                f" as CLASSES = ({classes},)"
            )
        for path, module in runner.strategy.module.named_modules():
            number = getattr(module, "num_classes", None)
            if number is None or type(module).__name__ in OTHER_CLASSES:
                continue
            if number != len(classes):
                raise ConfigError(
                    f"model.{path}.num_classes={number} of {type(module).__name__} does not match"
                    f" the {len(classes)} CLASSES of {name}"
                )
