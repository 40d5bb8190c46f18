"""The peer of the benchmarks computes what our backbone computes."""

import sys
from pathlib import Path

import pytest
import torch

from mmcv.backbones.intern_vit import InternViT6B

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
from eager import backbone_forward

SMALL = dict(img_size=28, patch_size=7, embed_dim=32, num_heads=4, depth=3, out_indices=[0, 2])


@pytest.mark.parametrize(
    "options",
    [
        SMALL,
        dict(SMALL, depth=4, out_indices=[0, 1, 2, 3], with_fpn=True),
        dict(SMALL, window_attn=True, window_size=3, out_indices=[2], with_fpn=True),
    ],
)
def test_plain_policy_equals_ours(options):
    torch.manual_seed(0)
    model = InternViT6B(**options).train()
    model.init_weights()
    images = torch.randn(2, 3, 28, 28)
    grads = []
    for forward in (model, lambda x: backbone_forward(model, x)):
        model.zero_grad()
        maps = forward(images)
        sum(m.square().sum() for m in maps).backward()
        grads.append((maps, [p.grad.clone() for p in model.parameters() if p.grad is not None]))
    torch.testing.assert_close(grads[0], grads[1], atol=1e-4, rtol=1e-4)
