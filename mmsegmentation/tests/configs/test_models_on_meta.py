"""Every InternViT config builds without memory, with the published sizes and state-dict keys.

The keys of each distinct model stand in ``tests/golden``; ``UPDATE_GOLDEN=1`` rewrites these files.
"""

import functools
import os
import re
from pathlib import Path

import pytest
import torch

from mmcv.config import Config
from mmseg.models import build_segmentor

CONFIGS = Path(__file__).parents[2] / "configs"
GOLDEN = Path(__file__).parents[1] / "golden"

BLOCK = 122_918_400
UNUSED_IN_45 = 3 * BLOCK
BACKBONE = 5_906_121_600
PYRAMID = 122_896_000
UPERNET = {150: 312_480_918, 171: 312_513_195}
AUXILIARY = {150: 44_470_422, 171: 44_502_699}
LINEAR = {150: 486_550, 171: 553_771}

SMALL = "intern_vit_6b"  # 224 px, 48 blocks
LARGE = "intern_vit_6b_448px_v1_0"  # 448 px, 45 blocks
ENDING = "bs16_lr4e-5"
ADAPTER = "upernet_intern_vit_adapter_6b_512_80k_ade20k_bs16_lr4e-5"


def name_of(model: str, head: str, data: str, ending: str = "") -> str:
    return f"{head}_{model}_504_80k_{data}_{ENDING}{ending}"


@functools.cache
def build(directory: str, task: str, name: str):
    cfg = Config.fromfile(CONFIGS / directory / task / f"{name}.py")
    with torch.device("meta"):
        return build_segmentor(cfg.model)


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def count_trainable(module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


@pytest.mark.parametrize("directory", [SMALL, LARGE])
@pytest.mark.parametrize(("data", "num_classes"), [("ade20k", 150), ("cocostuff164k", 171)])
@pytest.mark.parametrize("frozen", [False, True])
def test_size_of_upernet(directory, data, num_classes, frozen):
    task, ending = ("head_tuning", "_frozen") if frozen else ("full_tuning", "")
    model = build(directory, task, name_of(directory, "upernet", data, ending))
    vit = BACKBONE - (UNUSED_IN_45 if directory == LARGE else 0)
    heads = UPERNET[num_classes] + AUXILIARY[num_classes]
    assert count(model.backbone) == vit + PYRAMID
    assert count(model.decode_head) == UPERNET[num_classes]
    assert count(model.auxiliary_head) == AUXILIARY[num_classes]
    assert count_trainable(model) == heads + PYRAMID + (0 if frozen else vit)
    assert {p.device.type for p in model.parameters()} == {"meta"}


@pytest.mark.parametrize("directory", [SMALL, LARGE])
@pytest.mark.parametrize(("data", "num_classes"), [("ade20k", 150), ("cocostuff164k", 171)])
def test_size_of_linear_probing(directory, data, num_classes):
    model = build(directory, "linear_probing", name_of(directory, "linear", data, "_frozen"))
    assert count(model.backbone) == BACKBONE - (UNUSED_IN_45 if directory == LARGE else 0)
    assert count(model) - count(model.backbone) == LINEAR[num_classes]
    assert count_trainable(model) == LINEAR[num_classes]


def test_size_of_few_shot():
    model = build(SMALL, "few_shot", f"{name_of(SMALL, 'linear', 'ade20k')}_1of1")
    assert count_trainable(model) == count(model) == BACKBONE + LINEAR[150]


def test_size_of_vit_adapter():
    model = build(SMALL, "vit_adapter", ADAPTER)
    assert count_trainable(model.backbone) == 143_796_184
    assert count(model.decode_head) == UPERNET[150]


DISTINCT_MODELS = [
    *[
        (directory, "full_tuning", name_of(directory, "upernet", data))
        for directory in (SMALL, LARGE)
        for data in ("ade20k", "cocostuff164k")
    ],
    *[
        (directory, "linear_probing", name_of(directory, "linear", data, "_frozen"))
        for directory in (SMALL, LARGE)
        for data in ("ade20k", "cocostuff164k")
    ],
    (SMALL, "vit_adapter", ADAPTER),
]


@pytest.mark.parametrize("model", DISTINCT_MODELS, ids=lambda model: model[2])
def test_state_dict_keys_are_the_published_ones(model):
    lines = golden_lines(build(*model))
    file = GOLDEN / f"{model[2]}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text("\n".join(lines) + "\n")
    assert lines == file.read_text().splitlines()


def golden_lines(model) -> list[str]:
    """Returns "key (shape)" for every entry; blocks that are alike share lines "blocks.0-47"."""
    state = {key: str(tuple(value.shape)) for key, value in model.state_dict().items()}
    blocks: dict[int, list[str]] = {}
    lines: dict[str, None] = {}
    for key, shape in state.items():
        match = re.match(r"backbone\.blocks\.(\d+)\.(.+)", key)
        if match:
            blocks.setdefault(int(match[1]), []).append(f"{match[2]} {shape}")
            lines["blocks"] = None
        else:
            lines[f"{key} {shape}"] = None
    assert len({tuple(block) for block in blocks.values()}) == 1
    assert sorted(blocks) == list(range(len(blocks)))
    result: list[str] = []
    for line in lines:
        if line == "blocks":
            result += [f"backbone.blocks.0-{len(blocks) - 1}.{entry}" for entry in blocks[0]]
        else:
            result.append(line)
    return result
