"""The recipes for one small GPU: their size, and a training step at toy size."""

from pathlib import Path

import pytest
import torch

from mmcv.config import Config
from mmcv.planner import build_on_meta, count_parameters
from mmcv.runner.inference import without_pretrained
from mmcv.settings import validate
from mmseg.task import TASK

FOLDER = Path(__file__).parents[2] / "configs/intern_vit_300m_448px"
CONFIGS = sorted(path for path in FOLDER.rglob("*.py") if path.parent.name != "custom")
# Chen et al., 2024: InternViT-300M. One block: 4 norm vectors, 2 of LayerScale, linear layers.
WIDTH, DEPTH = 1024, 24
BLOCK = 6 * WIDTH + 12 * WIDTH**2 + (3 + 1 + 4 + 1) * WIDTH
STEM = 3 * 14 * 14 * WIDTH + WIDTH + WIDTH + (36 * 36 + 1) * WIDTH


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.parent.name)
def test_size(config):
    cfg = Config.fromfile(config)
    validate(cfg)
    model = build_on_meta(TASK.models, without_pretrained(cfg))
    params = count_parameters(model)
    vit = sum(
        p.numel() for name, p in model.backbone.named_parameters() if not name.startswith("up")
    )
    assert vit == DEPTH * BLOCK + STEM
    assert cfg.optimizer.paramwise_cfg.num_layers == DEPTH
    assert cfg.data.samples_per_gpu == 16
    if config.parent.name == "linear_probing":
        assert params.trainable == 2 * WIDTH + 150 * WIDTH + 150
    elif config.parent.name == "head_tuning":
        assert params.trainable == params.total - vit
    else:
        assert params.trainable == params.total


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.parent.name)
def test_a_step_at_toy_size(config):
    cfg = without_pretrained(Config.fromfile(config))
    small = dict(embed_dim=32, num_heads=2, img_size=56, depth=4)
    wide = isinstance(cfg.model.decode_head.in_channels, (list, tuple))
    small["out_indices"] = [0, 1, 2, 3] if wide else [3]
    cfg.model.backbone.update(small)
    cfg.model.decode_head.update(in_channels=[32] * 4 if wide else 32, channels=32)
    if wide:
        cfg.model.auxiliary_head.update(in_channels=32, channels=16)
    torch.manual_seed(0)
    model = TASK.models.build(cfg.model).train()
    labels = torch.randint(0, 150, (2, 1, 56, 56))
    losses = model(
        img=torch.randn(2, 3, 56, 56),
        img_metas=[{"img_shape": (56, 56, 3)}] * 2,
        gt_semantic_seg=labels,
        return_loss=True,
    )
    sum(value for name, value in losses.items() if "loss" in name).backward()
    with_gradient = {n for n, p in model.named_parameters() if p.grad is not None}
    assert with_gradient == {n for n, p in model.named_parameters() if p.requires_grad}
