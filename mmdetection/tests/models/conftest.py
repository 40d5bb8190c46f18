"""Small detectors and batches."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmcv.config import Config
from mmdet.masks import BitmapMasks
from mmdet.models import build_detector

CONFIGS = Path(__file__).parents[2] / "configs"
NUM_CLASSES = 4
WIDE = ("in_channels", "feat_channels", "conv_out_channels", "out_channels", "embed_dims")
FEW = ("num_query", "two_stage_num_proposals", "num_dn_queries")
# What small models have instead, given their number of channels.
SMALL = {
    **dict.fromkeys(WIDE, lambda channels: channels),
    **dict.fromkeys(("fc_out_channels", "feedforward_channels"), lambda channels: 2 * channels),
    **dict.fromkeys(FEW, lambda channels: 40),
    **dict.fromkeys(("dropout", "ffn_dropout"), lambda channels: 0),
    "num_feats": lambda channels: channels // 2,
    "num_classes": lambda channels: NUM_CLASSES,
}


def shrink(section, channels=16):
    """Gives every layer of a model section, in place, so many channels."""
    if isinstance(section, (list, tuple)):
        for part in section:
            shrink(part, channels)
    elif isinstance(section, dict):
        for key in list(section):
            small = SMALL.get(key)
            if key == "in_channels" and section[key] != 256:
                shrink(section[key], channels)
            elif small is not None:
                section[key] = int(small(channels))
            else:
                shrink(section[key], channels)
                if key in ("encoder", "decoder"):
                    section[key]["num_layers"] = 2


@pytest.fixture
def small_cfg():
    """Returns a function: the model section of a config file, shrunk."""

    def load(name, channels=16):
        cfg = Config.fromfile(CONFIGS / f"{name}.py").model
        shrink(cfg, channels)
        width = channels // 2
        cfg.backbone.update(depth=18, base_channels=width, init_cfg=None)
        maps = [width * 2**i for i in cfg.backbone.out_indices]
        if "neck" in cfg:
            cfg.neck.in_channels = maps
        else:
            cfg.bbox_head.in_channels = maps[-1]
        return cfg

    return load


@pytest.fixture
def small_model(small_cfg):
    """Returns a function: a shrunk detector with its initial weights."""

    def make(name):
        torch.manual_seed(0)
        model = build_detector(small_cfg(name))
        model.init_weights()
        return model

    return make


def make_batch(num_objects=(2, 1), size=(64, 96), seed=0):
    """Returns images (B, 3, H, W), their metas and targets by name."""
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    img = torch.randn(len(num_objects), 3, height, width, generator=generator)
    metas, boxes, labels, masks = [], [], [], []
    for count in num_objects:
        meta = dict(
            img_shape=(height, width - 6, 3),
            pad_shape=(height, width, 3),
            ori_shape=(height // 2, (width - 6) // 2, 3),
            scale_factor=np.full(4, 2.0, np.float32),
            flip=False,
            flip_direction=None,
            filename="a.jpg",
        )
        corner = torch.rand(count, 2, generator=generator) * torch.tensor([width, height]) * 0.5
        side = torch.rand(count, 2, generator=generator) * 20 + 16
        box = torch.cat([corner, corner + side], 1)
        mask = np.zeros((count, height, width), np.uint8)
        for i, (x1, y1, x2, y2) in enumerate(box.int().tolist()):
            mask[i, y1:y2, x1:x2] = 1
        metas.append(meta)
        boxes.append(box)
        labels.append(torch.randint(0, NUM_CLASSES, (count,), generator=generator))
        masks.append(BitmapMasks(mask, height, width))
    return img, metas, dict(gt_bboxes=boxes, gt_labels=labels, gt_masks=masks)


@pytest.fixture
def batch():
    """Returns :func:`make_batch`."""
    return make_batch
