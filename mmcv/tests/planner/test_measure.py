"""What is measured on the meta device is what really happens on the CPU."""

import pytest
import torch
from torch import nn

from mmcv.backbones import InternViT6B
from mmcv.planner import count_parameters, measure
from mmcv.planner.memory import Layout, estimate_memory, optimizer_bytes
from mmcv.planner.watching import SavedTensors

SIZES = dict(embed_dim=64, num_heads=2, depth=3, img_size=56, out_indices=[2])


class Features(nn.Module):
    """The smallest thing with a backbone."""

    def __init__(self, **options):
        super().__init__()
        self.backbone = InternViT6B(**{**SIZES, **options})

    def extract_feat(self, img):
        return self.backbone(img)


def on_meta(**options):
    with torch.device("meta"):
        return Features(**options).train()


def test_flops_are_those_of_the_formulas():
    tokens, width = 17, 64
    linear = 2 * tokens * width * width * (3 + 1 + 4 + 4)
    attention = 4 * tokens * tokens * width
    patches = 2 * 16 * width * 3 * 14 * 14
    measured = measure(on_meta(with_cp=False), (56, 56))
    assert measured.forward_flops == 3 * (linear + attention) + patches
    # Twice as much backwards; the image needs no gradient.
    assert measured.step_flops == 3 * 3 * (linear + attention) + 2 * patches
    assert measured.recompute_flops == 3 * (linear + attention)


def test_frozen_backbones_have_neither_gradients_nor_recomputation():
    measured = measure(on_meta(freeze_vit=True, with_fpn=True), (56, 56))
    assert measured.recompute_flops == 0
    trained = measure(on_meta(with_fpn=True), (56, 56))
    assert measured.forward_flops == trained.forward_flops
    assert measured.step_flops < trained.step_flops and measured.saved["off"] < trained.saved["off"]


@pytest.mark.parametrize("mode", ["off", "full"])
def test_saved_activations_are_those_of_a_real_step(monkeypatch, mode):
    """On the CPU attention saves what the planner says that GPUs save: inputs, output, sums."""
    monkeypatch.setenv("MMOPS_NORM", "fused")
    expected = measure(on_meta(), (56, 56)).saved[mode]
    torch.manual_seed(0)
    model = Features(with_cp=mode).train()
    model.backbone.init_weights()
    saved = SavedTensors(model)
    with saved.watching():
        loss = model.extract_feat(torch.randn(2, 3, 56, 56))[0].float().mean()
    loss.backward()
    assert saved.total() / 2 == pytest.approx(expected, rel=0.02)


def test_selective_recomputation_keeps_the_products():
    """Of a block: qkv 3C, attention C and its sums, proj C, fc1 4C, fc2 C; in fp32."""
    measured = measure(on_meta(), (56, 56))
    kept = 3 * 17 * 4 * ((3 + 1 + 1 + 4 + 1) * 64 + 2)
    assert measured.saved["selective"] - measured.saved["full"] == kept


def test_measuring_leaves_the_model_as_it_was():
    model = on_meta(with_cp="selective")
    attend = torch.nn.functional.scaled_dot_product_attention
    measure(model, (56, 56))
    assert model.backbone.with_cp is True and model.backbone.recompute == "selective"
    assert all(p.grad is None for p in model.parameters())
    assert torch.nn.functional.scaled_dot_product_attention is attend


def test_states_are_what_adamw_really_keeps():
    model = Features()
    model.backbone.init_weights()
    optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
    model.extract_feat(torch.randn(1, 3, 56, 56))[0].mean().backward()
    optimizer.step()
    real = sum(
        value.numel() * value.element_size()
        for state in optimizer.state.values()
        for name, value in state.items()
        if name != "step"
    )
    counted = count_parameters(model)
    assert optimizer_bytes(counted, Layout(None, False, 1, 1, "off")) == real
    gradients = sum(p.grad.numel() * p.grad.element_size() for p in model.parameters())
    assert counted.trainable_bytes == gradients


def test_zero_stages_shard_what_they_should():
    """6.386e9 parameters on 8 GPUs: 35.1, 23.9 and 12.8 GB of states (Rajbhandari et al.)."""
    measured = measure(on_meta().bfloat16(), (56, 56))
    scale = 6.386e9 / measured.parameters.total
    for stage, gigabytes in ((1, 35.1), (2, 23.9), (3, 12.8)):
        memory = estimate_memory(measured, Layout(stage, False, 8, 1, "full"))
        states = (memory.weights + memory.gradients + memory.optimizer) * scale / 1e9
        assert states == pytest.approx(gigabytes, abs=0.06)
    offloaded = estimate_memory(measured, Layout(1, True, 8, 1, "full"))
    assert offloaded.optimizer == 0 and offloaded.host * scale / 1e9 == pytest.approx(76.6, abs=0.1)


def test_half_precision_has_masters():
    half = count_parameters(on_meta().bfloat16())
    full = count_parameters(on_meta())
    layout = Layout(1, False, 1, 1, "full")
    assert optimizer_bytes(half, layout) == 12 * half.total
    assert optimizer_bytes(full, layout) == 8 * full.total
