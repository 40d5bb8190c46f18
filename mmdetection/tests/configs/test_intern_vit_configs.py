"""The InternViT configs against the published values of the one that shipped."""

import json
from pathlib import Path

import pytest
import torch

from mmcv.config import Config
from mmcv.settings import validate
from mmdet.models import build_detector

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "configs" / "intern_vit_6b"
FP16 = FOLDER / "head_tuning" / "mask_rcnn_intern_vit_6b_fpn_1x_coco_bs16_frozen.py"
BF16 = FOLDER / "head_tuning" / "mask_rcnn_intern_vit_6b_fpn_1x_coco_bs16_frozen_bf16.py"
ADAPTER = FOLDER / "vit_adapter" / "mask_rcnn_intern_vit_adapter_6b_fpn_1x_coco_bs16_frozen_bf16.py"
IMG_NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)

BLOCK = 122_918_400
PATCH_16 = 3 * 16 * 16 * 3200 + 3200
POSITIONS = (16 * 16 + 1) * 3200
PYRAMID = 122_896_000
FPN = 4 * (3200 * 256 + 256) + 4 * (256 * 256 * 9 + 256)
RPN = (256 * 256 * 9 + 256) + (256 * 3 + 3) + (256 * 12 + 12)
BOX_HEAD = (12544 * 1024 + 1024) + (1024 * 1024 + 1024) + (1024 * 81 + 81) + (1024 * 320 + 320)
MASK_HEAD = 4 * (256 * 256 * 9 + 256) + (256 * 256 * 4 + 256) + (256 * 80 + 80)
HEADS = FPN + RPN + BOX_HEAD + MASK_HEAD


def count(module, trainable=False):
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not trainable)


def build(path):
    with torch.device("meta"):
        return build_detector(Config.fromfile(path).model)


@pytest.mark.parametrize("path", [FP16, BF16], ids=["fp16", "bf16"])
def test_backbone_and_neck(path):
    model = Config.fromfile(path).model
    assert model.type == "MaskRCNN"
    assert model.backbone == dict(
        type="InternViT6B",
        pretrain_size=224,
        img_size=256,
        patch_size=16,
        embed_dim=3200,
        depth=48,
        num_heads=25,
        mlp_ratio=4.0,
        qkv_bias=False,
        drop_path_rate=0.0,
        init_values=0.1,
        with_cp=True,
        use_flash_attn=True,
        qk_normalization=True,
        layerscale_force_fp32=False,
        with_fpn=True,
        freeze_vit=True,
        out_indices=[47],
        window_attn=[True] * 48,
        window_size=[16] * 48,
        output_dtype="float32",
        pretrained="./pretrained/intern_vit_6b_224px.pth",
    )
    assert model.neck == dict(type="FPN", in_channels=[3200] * 4, out_channels=256, num_outs=5)


@pytest.mark.parametrize("path", [FP16, BF16, ADAPTER], ids=["fp16", "bf16", "adapter"])
def test_heads(path):
    model = Config.fromfile(path).model
    rpn, roi = model.rpn_head, model.roi_head
    assert (rpn.type, rpn.in_channels, rpn.feat_channels) == ("RPNHead", 256, 256)
    assert rpn.anchor_generator == dict(
        type="AnchorGenerator",
        scales=[8],
        ratios=[0.5, 1.0, 2.0],
        strides=[4, 8, 16, 32, 64],
    )
    assert rpn.bbox_coder.target_stds == [1.0, 1.0, 1.0, 1.0]
    assert rpn.loss_cls == dict(type="CrossEntropyLoss", use_sigmoid=True, loss_weight=1.0)
    assert rpn.loss_bbox == dict(type="L1Loss", loss_weight=1.0)
    assert roi.type == "StandardRoIHead"
    for extractor, size in ((roi.bbox_roi_extractor, 7), (roi.mask_roi_extractor, 14)):
        assert extractor == dict(
            type="SingleRoIExtractor",
            roi_layer=dict(type="RoIAlign", output_size=size, sampling_ratio=0),
            out_channels=256,
            featmap_strides=[4, 8, 16, 32],
        )
    assert roi.bbox_head.type == "Shared2FCBBoxHead"
    assert (roi.bbox_head.fc_out_channels, roi.bbox_head.num_classes) == (1024, 80)
    assert roi.bbox_head.bbox_coder.target_stds == [0.1, 0.1, 0.2, 0.2]
    assert roi.bbox_head.reg_class_agnostic is False
    assert roi.bbox_head.loss_bbox == dict(type="L1Loss", loss_weight=1.0)
    assert roi.mask_head == dict(
        type="FCNMaskHead",
        num_convs=4,
        in_channels=256,
        conv_out_channels=256,
        num_classes=80,
        loss_mask=dict(type="CrossEntropyLoss", use_mask=True, loss_weight=1.0),
    )


@pytest.mark.parametrize("path", [FP16, BF16, ADAPTER], ids=["fp16", "bf16", "adapter"])
def test_training_and_testing_settings(path):
    model = Config.fromfile(path).model
    train, test = model.train_cfg, model.test_cfg
    assigner = train.rpn.assigner
    assert (assigner.pos_iou_thr, assigner.neg_iou_thr, assigner.min_pos_iou) == (0.7, 0.3, 0.3)
    assert (train.rpn.sampler.num, train.rpn.sampler.pos_fraction) == (256, 0.5)
    assert train.rpn.allowed_border == train.rpn.pos_weight == -1
    nms = dict(type="nms", iou_threshold=0.7)
    assert train.rpn_proposal == dict(nms_pre=2000, max_per_img=1000, nms=nms, min_bbox_size=0)
    assigner = train.rcnn.assigner
    assert (assigner.pos_iou_thr, assigner.neg_iou_thr, assigner.min_pos_iou) == (0.5, 0.5, 0.5)
    assert assigner.match_low_quality is True
    assert train.rcnn.sampler == dict(
        type="RandomSampler", num=512, pos_fraction=0.25, neg_pos_ub=-1, add_gt_as_proposals=True
    )
    assert train.rcnn.mask_size == 28
    assert test.rpn == dict(nms_pre=1000, max_per_img=1000, nms=nms, min_bbox_size=0)
    assert test.rcnn == dict(
        score_thr=0.05,
        nms=dict(type="nms", iou_threshold=0.5),
        max_per_img=100,
        mask_thr_binary=0.5,
    )


@pytest.mark.parametrize("path", [FP16, BF16, ADAPTER], ids=["fp16", "bf16", "adapter"])
def test_data(path):
    data = Config.fromfile(path).data
    assert (data.samples_per_gpu, data.workers_per_gpu) == (2, 2)
    for split, name in (("train", "train"), ("val", "val"), ("test", "val")):
        assert data[split].type == "CocoDataset"
        assert data[split].ann_file == f"data/coco/annotations/instances_{name}2017.json"
        assert data[split].img_prefix == f"data/coco/{name}2017/"
    assert data.train.pipeline == [
        dict(type="LoadImageFromFile"),
        dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
        dict(type="Resize", img_scale=(1333, 800), keep_ratio=True),
        dict(type="RandomFlip", flip_ratio=0.5),
        dict(type="Normalize", **IMG_NORM),
        dict(type="Pad", size_divisor=32),
        dict(type="DefaultFormatBundle"),
        dict(type="Collect", keys=["img", "gt_bboxes", "gt_labels", "gt_masks"]),
    ]


@pytest.mark.parametrize("path", [FP16, BF16, ADAPTER], ids=["fp16", "bf16", "adapter"])
def test_schedule_and_engine(path):
    cfg = Config.fromfile(path)
    validate(cfg)
    assert cfg.optimizer == dict(
        type="AdamW",
        lr=1e-4,
        betas=(0.9, 0.999),
        weight_decay=0.05,
        constructor="CustomLayerDecayOptimizerConstructor",
        paramwise_cfg=dict(num_layers=48, layer_decay_rate=1.0),
    )
    assert cfg.optimizer_config == dict(grad_clip=None)
    assert cfg.lr_config == dict(
        policy="step", warmup="linear", warmup_iters=500, warmup_ratio=0.001, step=[8, 11]
    )
    assert cfg.runner == dict(type="EpochBasedRunner", max_epochs=12)
    assert cfg.checkpoint_config == dict(deepspeed=True, interval=1, max_keep_ckpts=2)
    assert cfg.evaluation == dict(interval=1, metric=["bbox", "segm"], save_best="auto")
    assert cfg.log_config.interval == 10
    assert [hook.type for hook in cfg.log_config.hooks] == ["TextLoggerHook"]
    assert (cfg.load_from, cfg.resume_from, cfg.workflow) == (None, None, [("train", 1)])

    dtype = "fp16" if path == FP16 else "bf16"
    hook = {"fp16": "ToFloat16Hook", "bf16": "ToBFloat16Hook"}[dtype]
    assert cfg.custom_hooks == [dict(type=hook, priority=49)]
    assert cfg.deepspeed is True
    assert cfg.deepspeed_config == f"zero_configs/adam_zero1_{dtype}.json"
    settings = json.loads((ROOT / cfg.deepspeed_config).read_text())
    # 8 GPUs with samples_per_gpu = 2: the file that shipped said 128 and could not start.
    assert settings["train_batch_size"] == 16
    assert settings["gradient_clipping"] == 1.0
    assert settings[dtype]["enabled"] is True
    assert settings["zero_optimization"]["stage"] == 1


@pytest.mark.parametrize("path", [FP16, BF16], ids=["fp16", "bf16"])
def test_size_on_meta(path):
    model = build(path)
    assert count(model.backbone) == 48 * BLOCK + PATCH_16 + POSITIONS + PYRAMID
    assert count(model) - count(model.backbone) == HEADS
    assert count(model, trainable=True) == PYRAMID + HEADS
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert "backbone.cls_token" not in model.state_dict()


def test_size_of_adapter_on_meta():
    model = build(ADAPTER)
    assert count(model.backbone, trainable=True) == 143_796_184  # as in segmentation
    assert count(model, trainable=True) == 143_796_184 + HEADS


def test_maps_have_the_strides_of_the_neck():
    model = build(BF16)
    with torch.device("meta"), torch.no_grad():
        maps = model.backbone(torch.empty(1, 3, 320, 448))
        levels = model.neck(maps)
    assert [tuple(m.shape[1:]) for m in maps] == [
        (3200, 80, 112),
        (3200, 40, 56),
        (3200, 20, 28),
        (3200, 10, 14),
    ]
    assert [tuple(level.shape[2:]) for level in levels] == [
        (80, 112),
        (40, 56),
        (20, 28),
        (10, 14),
        (5, 7),
    ]
