"""The InternViT recipe, shrunk, over the end of an epoch: what the original could not do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "configs/intern_vit_6b/head_tuning"
RECIPE_BF16 = RECIPE / "mask_rcnn_intern_vit_6b_fpn_1x_coco_bs16_frozen_bf16.py"
ADAPTER = ROOT / "configs/intern_vit_6b/vit_adapter"
ADAPTER_BF16 = ADAPTER / "mask_rcnn_intern_vit_adapter_6b_fpn_1x_coco_bs16_frozen_bf16.py"

CONFIG = """
_base_ = {base!r}
deepspeed_config = {deepspeed!r}
custom_hooks = {hooks}
model = dict(
    backbone=dict(
        img_size=64, pretrain_size=64, embed_dim=32, depth=2, num_heads=2, pretrained=None,
        window_attn=[True] * 2, window_size=[3] * 2, {backbone}),
    neck=dict(in_channels=[32] * 4, out_channels=16),
    rpn_head=dict(in_channels=16, feat_channels=16),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=16),
        bbox_head=dict(in_channels=16, fc_out_channels=32, num_classes=2),
        mask_roi_extractor=dict(out_channels=16),
        mask_head=dict(num_convs=1, in_channels=16, conv_out_channels=16, num_classes=2)),
    test_cfg=dict(rcnn=dict(score_thr=0.0, max_per_img=10)))
part = dict(ann_file={ann!r}, img_prefix={images!r}, classes=('cat', 'dog'))
data = dict(samples_per_gpu=2, workers_per_gpu=0, train=part, val=part, test=part)
optimizer = dict(paramwise_cfg=dict(num_layers=2))
runner = dict(max_epochs=1)
log_config = dict(interval=1)
"""
WINDOWED = "out_indices=[1]"
ADAPTED = (
    "conv_inplane=8, deform_num_heads=2, interaction_indexes=[[0, 0], [1, 1]],"
    " use_extra_extractor=False"
)
BF16_HOOK = "[dict(type='ToBFloat16Hook', priority=49)]"


def train(config, work_dir, *flags):
    command = [sys.executable, ROOT / "tools/train.py", config, "--work-dir", work_dir, *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def records(work_dir):
    """Returns the lines of all logs, oldest first."""
    lines = []
    for file in sorted(work_dir.glob("*.log.json")):
        lines += [json.loads(line) for line in file.read_text().splitlines()]
    return [line for line in lines if "mode" in line]


@pytest.mark.deepspeed
@pytest.mark.processes
@pytest.mark.parametrize(
    ("base", "deepspeed", "hooks", "backbone"),
    [
        pytest.param(RECIPE_BF16, "zero1_fp32", "[]", WINDOWED, marks=pytest.mark.slow, id="fp32"),
        pytest.param(RECIPE_BF16, "zero1_bf16", BF16_HOOK, WINDOWED, id="bf16"),
        pytest.param(
            ADAPTER_BF16,
            "zero1_bf16",
            BF16_HOOK,
            ADAPTED,
            marks=pytest.mark.slow,
            id="adapter-bf16",
        ),
    ],
)
def test_recipe_trains_over_the_end_of_an_epoch(
    coco_file, tmp_path, base, deepspeed, hooks, backbone
):
    config = tmp_path / "toy.py"
    config.write_text(
        CONFIG.format(
            base=str(base),
            deepspeed=deepspeed,
            hooks=hooks,
            backbone=backbone,
            ann=str(coco_file),
            images=str(coco_file.parent / "train"),
        )
    )
    work_dir = tmp_path / "run"
    train(config, work_dir, "--seed", 0)
    assert (work_dir / "epoch_1").is_dir()
    assert (work_dir / "latest").resolve() == (work_dir / "epoch_1").resolve()
    assert [path.name for path in work_dir.glob("best_*")] == ["best_bbox_mAP_epoch_1"]
    first = records(work_dir)
    assert [line["epoch"] for line in first if line["mode"] == "val"] == [1]
    assert {"bbox_mAP", "segm_mAP_50"} <= set(first[-1])

    train(config, work_dir, "--seed", 0, "--auto-resume", "--cfg-options", "runner.max_epochs=2")
    second = records(work_dir)[len(first) :]
    trained = [line for line in second if line["mode"] == "train"]
    assert [line["epoch"] for line in trained] == [2, 2]
    assert (work_dir / "epoch_2").is_dir()
    names = ["loss_rpn_cls", "loss_rpn_bbox", "loss_cls", "acc", "loss_bbox", "loss_mask", "loss"]
    assert set(names) <= set(trained[0])
