"""The 36 InternViT configs against the published table (``intern_vit_6b.txt``, one row each)."""

import functools
import json
from ast import literal_eval
from pathlib import Path

import pytest

from mmcv.config import Config
from mmcv.settings import validate
from mmseg.datasets import DATASETS
from mmseg.datasets.pipelines import Compose

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
_TABLE = (Path(__file__).parent / "intern_vit_6b.txt").read_text().splitlines()
ROWS = [dict(zip(_TABLE[0].split("|"), line.split("|"), strict=True)) for line in _TABLE[1:]]
BACKBONE_CONSTANTS = dict(
    embed_dim=3200,
    num_heads=25,
    mlp_ratio=4.0,
    qkv_bias=False,
    with_cp=True,
    use_flash_attn=True,
    qk_normalization=True,
    layerscale_force_fp32=False,
)
LINEAR_HEAD = dict(
    type="FCNHead",
    in_channels=3200,
    channels=3200,
    num_convs=0,
    concat_input=False,
    dropout_ratio=0.0,
    with_norm=True,
    loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
)
UPERNET_HEAD = dict(
    type="UPerHead",
    in_channels=[3200] * 4,
    in_index=[0, 1, 2, 3],
    pool_scales=(1, 2, 3, 6),
    channels=1536,
    dropout_ratio=0.1,
    norm_cfg=dict(type="SyncBN", requires_grad=True),
    align_corners=False,
    loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
)
AUXILIARY_HEAD = dict(
    type="FCNHead",
    in_channels=3200,
    channels=1536,
    num_convs=1,
    concat_input=False,
    dropout_ratio=0.1,
    norm_cfg=dict(type="SyncBN", requires_grad=True),
    align_corners=False,
    loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=0.4),
)
IMG_NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)

each_config = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])


def path_of(row: dict) -> Path:
    return CONFIGS / row["directory"] / row["task"] / f"{row['file']}.py"


@functools.cache
def load_file(path: Path) -> Config:
    return Config.fromfile(path)


def load(row: dict) -> Config:
    return load_file(path_of(row))


def test_the_table_lists_every_file():
    listed = {path_of(row) for row in ROWS}
    assert len(listed) == 36
    assert listed == set(CONFIGS.glob("intern_vit_6b*/*/*.py"))


@each_config
def test_backbone(row):
    backbone = load(row).model.backbone
    is_adapter = row["backbone"] == "InternViTAdapter"
    for key, value in BACKBONE_CONSTANTS.items():
        assert backbone[key] == value, key
    for key in ("depth", "pretrain_size", "img_size", "patch_size", "out_indices"):
        assert backbone[key] == literal_eval(row[key]), key
    for key in ("drop_path_rate", "freeze_vit"):
        assert backbone[key] == literal_eval(row[key]), key
    assert backbone.get("with_fpn", False) == literal_eval(row["with_fpn"])
    assert backbone.type == row["backbone"]
    assert backbone.init_values == (0.0 if is_adapter else 0.1)
    assert backbone.pretrained == f"./pretrained/intern_vit_6b_{row['weights']}.pth"
    if is_adapter:
        assert backbone.interaction_indexes == [[0, 11], [12, 23], [24, 35], [36, 47]]
        assert (backbone.cffn_ratio, backbone.deform_ratio) == (0.25, 0.25)
        assert (backbone.conv_inplane, backbone.n_points) == (64, 4)
        assert backbone.deform_num_heads == 25
        assert backbone.use_final_norm is True


@each_config
def test_heads(row):
    model = load(row).model
    num_classes = int(row["num_classes"])
    is_linear = row["head"] == "FCNHead"
    expected = LINEAR_HEAD if is_linear else UPERNET_HEAD
    assert model.decode_head == dict(expected, num_classes=num_classes)
    if is_linear:
        assert "auxiliary_head" not in model
    else:
        in_index = int(row["aux_in_index"])
        expected = dict(AUXILIARY_HEAD, num_classes=num_classes, in_index=in_index)
        assert model.auxiliary_head == expected


@each_config
def test_segmentor(row):
    cfg = load(row)
    crop, stride = int(row["crop"]), int(row["stride"])
    assert cfg.model.type == "EncoderDecoder"
    assert cfg.model.pretrained is None
    assert not cfg.model.get("train_cfg")
    assert cfg.model.test_cfg == dict(mode="slide", crop_size=(crop,) * 2, stride=(stride,) * 2)


@each_config
def test_data(row):
    data = load(row).data
    crop = int(row["crop"])
    is_ade = row["dataset"] == "ADE20KDataset"
    assert (data.samples_per_gpu, data.workers_per_gpu) == (2, 4)
    assert {data[split].type for split in ("train", "val", "test")} == {row["dataset"]}
    limit = None if row["max_image_num"] == "-" else int(row["max_image_num"])
    assert data.train.get("max_image_num") == limit
    folders = ("training", "validation") if is_ade else ("train2017", "val2017")
    for split, folder in zip(("train", "val", "test"), (*folders, folders[1]), strict=True):
        root = "data/ade/ADEChallengeData2016" if is_ade else "data/coco_stuff164k"
        assert data[split].data_root == root
        assert data[split].img_dir == f"images/{folder}"
        assert data[split].ann_dir == f"annotations/{folder}"

    load_labels = dict(type="LoadAnnotations", **(dict(reduce_zero_label=True) if is_ade else {}))
    assert data.train.pipeline == [
        dict(type="LoadImageFromFile"),
        load_labels,
        dict(type="Resize", img_scale=(4 * crop, crop), ratio_range=(0.5, 2.0)),
        dict(type="RandomCrop", crop_size=(crop, crop), cat_max_ratio=0.75),
        dict(type="RandomFlip", prob=0.5),
        dict(type="PhotoMetricDistortion"),
        dict(type="Normalize", **IMG_NORM),
        dict(type="Pad", size=(crop, crop), pad_val=0, seg_pad_val=255),
        dict(type="DefaultFormatBundle"),
        dict(type="Collect", keys=["img", "gt_semantic_seg"]),
    ]
    assert (
        data.val.pipeline
        == data.test.pipeline
        == expected_test_pipeline(crop, is_few=limit is not None)
    )


def expected_test_pipeline(crop: int, is_few: bool) -> list:
    resize = dict(
        type="SETR_Resize", keep_ratio=True, crop_size=(crop, crop), setr_multi_scale=True
    )
    transforms = [
        dict(type="Resize", keep_ratio=True) if is_few else resize,
        dict(type="ResizeToMultiple", size_divisor=14),
        dict(type="RandomFlip"),
        dict(type="Normalize", **IMG_NORM),
        dict(type="ImageToTensor", keys=["img"]),
        dict(type="Collect", keys=["img"]),
    ]
    if crop == 512:  # patches of 16 pixels need no multiple of 14
        del transforms[1]
    return [
        dict(type="LoadImageFromFile"),
        dict(
            type="MultiScaleFlipAug",
            img_scale=(4 * crop, crop),
            flip=False,
            transforms=transforms,
        ),
    ]


@each_config
def test_optimizer_and_schedule(row):
    cfg = load(row)
    assert cfg.optimizer == dict(
        type="AdamW",
        lr=4e-5,
        betas=(0.9, 0.999),
        weight_decay=float(row["weight_decay"]),
        constructor="CustomLayerDecayOptimizerConstructor",
        paramwise_cfg=dict(
            num_layers=int(row["num_layers"]), layer_decay_rate=float(row["layer_decay_rate"])
        ),
    )
    assert cfg.lr_config == dict(
        policy="poly",
        power=1.0,
        min_lr=0.0,
        by_epoch=False,
        warmup="linear",
        warmup_iters=int(row["warmup_iters"]),
        warmup_ratio=1e-6,
    )
    assert cfg.runner == dict(type="IterBasedRunner", max_iters=int(row["max_iters"]))
    assert cfg.optimizer_config == {}
    assert "fp16" not in cfg


@each_config
def test_engine_and_hooks(row):
    cfg = load(row)
    deepspeed = row["deepspeed"] == "True"
    assert cfg.deepspeed is deepspeed
    assert cfg.deepspeed_config == f"zero_configs/{row['deepspeed_config']}"
    assert cfg.custom_hooks == [dict(type=row["hook"], priority=49)]
    checkpoint = dict(by_epoch=False, interval=1000, max_keep_ckpts=2)
    assert cfg.checkpoint_config == (dict(checkpoint, deepspeed=True) if deepspeed else checkpoint)
    assert cfg.evaluation == dict(interval=1000, metric="mIoU", pre_eval=True, save_best="auto")
    assert cfg.log_config == dict(
        interval=50,
        hooks=[dict(type="TextLoggerHook", by_epoch=False), dict(type="TensorboardLoggerHook")],
    )
    assert cfg.dist_params == dict(backend="nccl")
    assert cfg.cudnn_benchmark is True
    assert cfg.workflow == [("train", 1)]
    assert (cfg.load_from, cfg.resume_from, cfg.log_level) == (None, None, "INFO")


LATER_VERSIONS = ("448px_v1_2", "448px_v1_5", "448px_v2_5")


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r["weights"] not in LATER_VERSIONS], ids=lambda row: row["file"]
)
def test_dumped_config_reloads_equal(row, tmp_path):
    cfg = load(row)
    cfg.dump(str(tmp_path / "dumped.py"))
    assert dict(Config.fromfile(tmp_path / "dumped.py").items()) == dict(cfg.items())


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r["weights"] in LATER_VERSIONS], ids=lambda row: row["file"]
)
def test_later_versions_differ_from_v1_0_only_in_the_weights(row):
    first = {key: value.replace(row["weights"], "448px_v1_0") for key, value in row.items()}
    text, expected = (str(dict(load(r).items())) for r in (row, first))
    assert text != expected
    assert text.replace(row["weights"], "448px_v1_0") == expected


@each_config
def test_every_key_and_name_is_known(row):
    cfg = load(row)
    validate(cfg)
    for split in ("train", "val", "test"):
        DATASETS.get(cfg.data[split].type)
    Compose(cfg.data.train.pipeline)
    Compose(cfg.data.test.pipeline)


@pytest.mark.parametrize("base", sorted((CONFIGS / "_base_").glob("**/*.py")), ids=lambda p: p.stem)
def test_every_base_file_loads(base):
    assert len(Config.fromfile(base).keys()) > 0


def test_checkpoint_config_can_depend_on_deepspeed(tmp_path):
    text = (
        "deepspeed = {}\n"
        "if deepspeed:\n"
        "    checkpoint_config = dict(deepspeed=deepspeed, by_epoch=False, interval=1000)\n"
        "else:\n"
        "    checkpoint_config = dict(by_epoch=False, interval=1000)\n"
    )
    for deepspeed in (True, False):
        file = tmp_path / f"deepspeed_{deepspeed}.py"
        file.write_text(text.format(deepspeed))
        assert ("deepspeed" in Config.fromfile(file).checkpoint_config) is deepspeed


ZERO = {
    "adam_zero1_bf16": ("bf16", 1),
    "adam_zero2_bf16": ("bf16", 2),
    "adam_zero1_fp16": ("fp16", 1),
    "adam_zero2_fp16": ("fp16", 2),
    "adam_zero3_fp16": ("fp16", 3),
}


@pytest.mark.parametrize("name", ZERO)
def test_zero_config_says_what_its_name_says(name):
    settings = json.loads((ROOT / "zero_configs" / f"{name}.json").read_text())
    precision, stage = ZERO[name]
    assert settings["zero_optimization"]["stage"] == stage
    assert settings[precision]["enabled"] is True
    assert settings["train_batch_size"] == 16
    # Absent would mean clipping at 1.0 (DeepSpeed 0.19), and the recipes do not clip.
    assert settings["gradient_clipping"] == 0.0
