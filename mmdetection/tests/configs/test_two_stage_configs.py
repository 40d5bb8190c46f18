"""The standard two-stage configs load, build, and have their published sizes."""

from pathlib import Path

import pytest
import torch

from mmcv.config import Config
from mmcv.settings import validate
from mmdet.models import build_detector

CONFIGS = Path(__file__).parents[2] / "configs"
# Millions of trainable parameters: the figures of the 1.x documentation, which leave out the
# frozen stem and first stage.
SIZES = {
    "faster_rcnn/faster_rcnn_r50_fpn_1x_coco": 41.53,
    "mask_rcnn/mask_rcnn_r50_fpn_1x_coco": 44.17,
    "cascade_rcnn/cascade_rcnn_r50_fpn_1x_coco": 69.17,
    "cascade_rcnn/cascade_mask_rcnn_r50_fpn_1x_coco": 77.1,
    "htc/htc_without_semantic_r50_fpn_1x_coco": 77.23,
    "htc/htc_r50_fpn_1x_coco": 80.02,
    "rpn/rpn_r50_fpn_1x_coco": 27.22,
    "double_heads/dh_faster_rcnn_r50_fpn_1x_coco": 47.12,
}


@pytest.mark.parametrize("name", SIZES)
def test_config(name):
    cfg = Config.fromfile(CONFIGS / f"{name}.py")
    validate(cfg)
    cfg.model.backbone.init_cfg = None
    with torch.device("meta"):
        model = build_detector(cfg.model)
    size = sum(p.numel() for p in model.parameters() if p.requires_grad) / 1e6
    assert size == pytest.approx(SIZES[name], abs=0.02)
    assert cfg.runner == dict(type="EpochBasedRunner", max_epochs=12)
    # The stem and the first stage are frozen, and so are all running statistics.
    model.train()
    assert not model.backbone.layer1[0].conv1.weight.requires_grad
    assert not model.backbone.layer4[0].bn1.training


def test_every_config_is_covered():
    folders = ("faster_rcnn", "mask_rcnn", "cascade_rcnn", "htc", "rpn", "double_heads")
    files = {f"{d}/{file.stem}" for d in folders for file in (CONFIGS / d).glob("*.py")}
    assert files == set(SIZES)
