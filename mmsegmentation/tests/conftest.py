"""Fixtures of the segmentation tests."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image


def write_tiny_ade(
    root: Path,
    num_train: int = 4,
    num_val: int = 3,
    size: tuple[int, int] = (48, 64),
    num_classes: int = 150,
) -> Path:
    """Writes real JPEG and PNG files in the layout of ADE20K.

    Each image has rectangles of a few classes, in the colour of the class; labels are
    1..num_classes, and 0 along the upper edge. Returns ``root``.
    """
    rng = np.random.default_rng(0)
    for part, count in (("training", num_train), ("validation", num_val)):
        images, labels = root / "images" / part, root / "annotations" / part
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for i in range(count):
            label = np.full(size, rng.integers(1, num_classes + 1), np.uint8)
            for _ in range(4):
                y, x = rng.integers(0, size[0] - 8), rng.integers(0, size[1] - 8)
                height, width = rng.integers(8, 32, 2)
                label[y : y + height, x : x + width] = rng.integers(1, num_classes + 1)
            label[:2] = 0
            colours = np.stack([label * np.uint8(37), label * np.uint8(91), label], axis=-1)
            noise = rng.integers(-9, 10, (*size, 3))
            img = np.clip(colours + noise, 0, 255).astype(np.uint8)
            cv2.imwrite(str(images / f"ADE_{part}_{i:08d}.jpg"), img)
            Image.fromarray(label).save(labels / f"ADE_{part}_{i:08d}.png")
    return root


@pytest.fixture
def make_ade(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes a tiny data set in ADE20K's layout; see write_tiny_ade."""

    def make(name: str = "ade", **options: object) -> Path:
        return write_tiny_ade(tmp_path / name, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def tiny_ade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in ADE20K's layout (4 training images, 3 of validation) that tests only read."""
    return write_tiny_ade(tmp_path_factory.mktemp("data") / "ade")


TINY_CONFIG = """
crop_size = (28, 28)
norm = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
model = dict(
    type='EncoderDecoder',
    backbone=dict(
        type='InternViT6B', pretrained='/nowhere/weights.pth', img_size=28, patch_size=14,
        embed_dim=24, depth=2, num_heads=2, out_indices=[1], use_flash_attn=False,
        with_fpn=False, with_cp=False),
    decode_head=dict(
        type='FCNHead', in_channels=24, channels=24, num_convs=0, concat_input=False,
        dropout_ratio=0.0, with_norm=True, num_classes=150, align_corners=False),
    test_cfg=dict(mode='slide', crop_size=crop_size, stride=(14, 14)))
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='MultiScaleFlipAug', img_scale=(64, 28), flip=False,
        transforms=[
            dict(type='Resize', keep_ratio=True),
            dict(type='ResizeToMultiple', size_divisor=14),
            dict(type='RandomFlip'),
            dict(type='Normalize', **norm),
            dict(type='ImageToTensor', keys=['img']),
            dict(type='Collect', keys=['img'])])]
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', reduce_zero_label=True),
    dict(type='Resize', img_scale=(64, 48), ratio_range=(0.75, 1.5)),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Normalize', **norm),
    dict(type='Pad', size=crop_size, pad_val=0, seg_pad_val=255),
    dict(type='DefaultFormatBundle'),
    dict(type='Collect', keys=['img', 'gt_semantic_seg'])]
part = dict(
    type='ADE20KDataset', data_root='ade', img_dir='images/validation',
    ann_dir='annotations/validation', pipeline=test_pipeline)
data = dict(
    samples_per_gpu=2, workers_per_gpu=0, val=part, test=part,
    train=dict(
        type='ADE20KDataset', data_root='ade', img_dir='images/training',
        ann_dir='annotations/training', pipeline=train_pipeline))
optimizer = dict(type='AdamW', lr=1e-2)
optimizer_config = dict()
lr_config = dict(policy='poly', power=1.0, by_epoch=False)
runner = dict(type='IterBasedRunner', max_iters=2)
checkpoint_config = dict(by_epoch=False, interval=2)
evaluation = dict(interval=2, metric='mIoU', pre_eval=True)
log_config = dict(interval=1, hooks=[dict(type='TextLoggerHook', by_epoch=False)])
log_level = 'INFO'
workflow = [('train', 1)]
load_from = None
resume_from = None
"""


@pytest.fixture
def tiny_config(make_ade: Callable[..., Path]) -> Path:
    """A config of a tiny InternViT with a linear head; its data set, in ``ade``, has 3 classes."""
    path = make_ade(num_classes=3).parent / "tiny.py"
    path.write_text(TINY_CONFIG)
    return path
