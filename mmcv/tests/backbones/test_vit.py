"""Plain ViTs against the formulas, written with functions and the model's weights."""

import pytest
import torch
import torch.nn.functional as F

from mmcv.backbones.beit import BEiT
from mmcv.backbones.vit import TIMMVisionTransformer, ViTBaseline
from mmcv.backbones.vit_block import ViTBlock
from mmcv.registry import MODELS, ConfigError

SMALL = dict(img_size=32, patch_size=8, embed_dim=12, depth=2, num_heads=3, mlp_ratio=2.0)


def randomise(model):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model.eval()


def images(height=32, width=32):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, height, width, generator=generator)


def norm(x, state, name, eps=1e-6):
    return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"], eps)


def attend(x, state, name, heads, bias=None, scale=None):
    """One window or image (N, C); ``bias`` (h, N, N)."""
    q_bias = state.get(f"{name}.qkv.bias")
    if f"{name}.q_bias" in state:
        parts = state[f"{name}.q_bias"], state[f"{name}.v_bias"]
        q_bias = torch.cat([parts[0], torch.zeros_like(parts[0]), parts[1]])
    q, k, v = F.linear(x, state[f"{name}.qkv.weight"], q_bias).chunk(3, -1)
    width = q.shape[-1] // heads
    outs = []
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        logits = q[:, part] @ k[:, part].T * (scale or width**-0.5)
        logits = logits if bias is None else logits + bias[h]
        outs.append(logits.exp() / logits.exp().sum(-1, keepdim=True) @ v[:, part])
    return F.linear(torch.cat(outs, -1), state[f"{name}.proj.weight"], state[f"{name}.proj.bias"])


def attend_in_windows(x, grid, state, name, heads, size, bias=None):
    """(H·W, C) in windows, zero-padded below and to the right before the projection."""
    rows, columns = (-(-n // size) * size for n in grid)
    padded = torch.zeros(rows, columns, x.shape[-1])
    padded[: grid[0], : grid[1]] = x.unflatten(0, grid)
    out = torch.zeros_like(padded)
    for i in range(0, rows, size):
        for j in range(0, columns, size):
            window = padded[i : i + size, j : j + size].flatten(0, 1)
            attended = attend(window, state, name, heads, bias)
            out[i : i + size, j : j + size] = attended.unflatten(0, (size, size))
    return out[: grid[0], : grid[1]].flatten(0, 1)


def block_steps(x, grid, state, name, heads, size=None, gammas=("gamma1", "gamma2"), bias=None):
    outs = []
    for image in x:
        normed = norm(image, state, f"{name}.norm1")
        if size is None:
            branch = attend(normed, state, f"{name}.attn", heads, bias)
        else:
            branch = attend_in_windows(normed, grid, state, f"{name}.attn", heads, size, bias)
        image = image + state.get(f"{name}.{gammas[0]}", 1) * branch
        weights = [state[f"{name}.mlp.{p}"] for p in ("fc1.weight", "fc1.bias")]
        hidden = F.gelu(F.linear(norm(image, state, f"{name}.norm2"), *weights))
        weights = [state[f"{name}.mlp.{p}"] for p in ("fc2.weight", "fc2.bias")]
        outs.append(image + state.get(f"{name}.{gammas[1]}", 1) * F.linear(hidden, *weights))
    return torch.stack(outs)


def embed_steps(image, state, grid, size=8):
    tokens = F.conv2d(
        image, state["patch_embed.proj.weight"], state["patch_embed.proj.bias"], stride=size
    )
    positions = state["pos_embed"][:, 1:].transpose(1, 2).unflatten(2, (4, 4))
    if grid != (4, 4):
        positions = F.interpolate(positions, size=grid, mode="bicubic", align_corners=False)
    return (tokens + positions).flatten(2).transpose(1, 2)


@pytest.mark.parametrize("flash", [False, True])
@pytest.mark.parametrize("image", [images(), images(48, 40)])
def test_baseline_with_windows_equals_the_formulas(flash, image):
    model = ViTBaseline(
        out_indices=[1], window_attn=[True, False], window_size=3, use_flash_attn=flash, **SMALL
    )
    state = randomise(model).state_dict()
    grid = (image.shape[2] // 8, image.shape[3] // 8)
    with torch.no_grad():
        x = embed_steps(image, state, grid)
        x = block_steps(x, grid, state, "blocks.0", 3, size=3)
        x = block_steps(x, grid, state, "blocks.1", 3)
        maps = [norm(x, state, f"norm{i}").transpose(1, 2).unflatten(2, grid) for i in (2, 3, 4)]
        up = F.conv_transpose2d(maps[0], state["up2.weight"], state["up2.bias"], stride=2)
        expected = [up, maps[1], F.max_pool2d(maps[2], 2)]
        got = model(image)
    for g, e in zip(got, expected, strict=True):
        torch.testing.assert_close(g, e, atol=1e-4, rtol=1e-4)


def test_four_out_indices_use_the_last_three():
    model = randomise(ViTBaseline(out_indices=[0, 1, 2, 3], **{**SMALL, "depth": 4}))
    shared = ViTBaseline(out_indices=[2], **{**SMALL, "depth": 4}).eval()
    shared.load_state_dict(model.state_dict())
    torch.testing.assert_close(model(images())[1], shared(images())[1])
    with pytest.raises(ConfigError, match="1 or 4 blocks from 0 to 1"):
        ViTBaseline(out_indices=[2], **SMALL)


LAYERS = ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"]


def test_keys():
    model = ViTBaseline(out_indices=[1], residual_indices=[1], **SMALL)
    state = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    both = ("weight", "bias")
    assert set(state) == {
        "pos_embed",
        *(f"patch_embed.proj.{p}" for p in both),
        *(f"blocks.{i}.{layer}.{p}" for i in range(2) for layer in LAYERS for p in both),
        *(f"blocks.{i}.gamma{n}" for i in range(2) for n in (1, 2)),
        *(f"blocks.1.residual.conv{n}.weight" for n in (1, 2, 3)),
        *(f"blocks.1.residual.norm{n}.{p}" for n in (1, 2, 3) for p in both),
        *(f"norm{n}.{p}" for n in (2, 3, 4) for p in both),
        *(f"up2.{p}" for p in both),
    }
    assert state["pos_embed"] == (1, 17, 12) and state["blocks.1.residual.conv2.weight"][0] == 6
    assert bool((model.blocks[0].gamma1 == 1).all())
    plain = ViTBaseline(out_indices=[1], layer_scale=False, qkv_bias=False, **SMALL).state_dict()
    assert not {"blocks.0.gamma1", "blocks.0.attn.qkv.bias"} & set(plain)


def test_residual_bottlenecks_start_as_the_identity():
    torch.manual_seed(0)
    model = ViTBaseline(out_indices=[1], residual_indices=[0, 1], **SMALL).eval()
    model.init_weights()
    with torch.no_grad():
        before = model(images())
        for block in model.blocks:
            block.residual = None
        torch.testing.assert_close(model(images()), before)


@pytest.mark.parametrize("with_cp", [False, True])
def test_everything_that_runs_is_trained(with_cp):
    model = ViTBaseline(
        out_indices=[1], with_cp=with_cp, drop_path_rate=0.1, drop_rate=0.1, attn_drop_rate=0.1,
        **SMALL,
    )  # fmt: skip
    model.init_weights()
    sum(m.square().mean() for m in model(images())).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_weights_are_loaded_and_resized(tmp_path):
    source = randomise(ViTBaseline(out_indices=[1], **SMALL))
    torch.save({"model": source.state_dict()}, tmp_path / "vit.pth")
    options = dict(SMALL, img_size=64, patch_size=16, pretrained=str(tmp_path / "vit.pth"))
    model = ViTBaseline(out_indices=[1], **options)
    model.init_weights()
    torch.testing.assert_close(model.blocks[1].mlp.fc1.weight, source.blocks[1].mlp.fc1.weight)
    assert model.patch_embed.proj.weight.shape == (12, 3, 16, 16)


@pytest.mark.parametrize("name", ["ViTBaseline", "BEiT"])
def test_builds_on_the_meta_device(name):
    options = dict(SMALL, type=name, drop_path_rate=0.4)
    if name == "ViTBaseline":
        options["out_indices"] = [1]
    with torch.device("meta"):
        model = MODELS.build(options)
    assert all(p.is_meta for p in model.parameters())
    assert [b.drop_path.drop_prob for b in model.blocks] == [0.0, 0.4]


def distance_bias(table, size):
    """(h, w², w²) from a table of distances, pair by pair."""
    bias = torch.zeros(table.shape[1], size * size, size * size)
    for a in range(size * size):
        for b in range(size * size):
            down, right = a // size - b // size, a % size - b % size
            bias[:, a, b] = table[(down + size - 1) * (2 * size - 1) + right + size - 1]
    return bias


@pytest.mark.parametrize("windowed", [False, True])
def test_beit_block_equals_the_formulas(windowed):
    grid, size = ((5, 4), 3) if windowed else ((4, 4), 4)
    model = BEiT(
        window_attn=windowed, window_size=size, qkv_bias=True, init_values=0.1, norm_layer=None,
        **SMALL,
    )  # fmt: skip
    state = randomise(model).state_dict()
    x = torch.randn(2, grid[0] * grid[1], 12)
    table = state["blocks.0.attn.relative_position_bias_table"]
    with torch.no_grad():
        expected = block_steps(
            x, grid, state, "blocks.0", 3, size if windowed else None, ("gamma_1", "gamma_2"),
            distance_bias(table, size),
        )  # fmt: skip
        torch.testing.assert_close(model.blocks[0](x, grid), expected, atol=1e-4, rtol=1e-4)


def test_beit_keys():
    state = BEiT(qkv_bias=True, init_values=0.1, window_size=4, **SMALL).state_dict()
    shapes = {k: tuple(v.shape) for k, v in state.items() if k.startswith("blocks.0.attn")}
    assert shapes == {
        "blocks.0.attn.qkv.weight": (36, 12),
        "blocks.0.attn.q_bias": (12,),
        "blocks.0.attn.v_bias": (12,),
        "blocks.0.attn.relative_position_bias_table": (49, 3),
        "blocks.0.attn.relative_position_index": (16, 16),
        "blocks.0.attn.proj.weight": (12, 12),
        "blocks.0.attn.proj.bias": (12,),
    }
    assert {"blocks.0.gamma_1", "blocks.1.gamma_2"} <= set(state) and "pos_embed" not in state
    plain = BEiT(use_rel_pos_bias=False, use_abs_pos_emb=True, **SMALL).state_dict()
    assert plain["pos_embed"].shape == (1, 17, 12)
    assert not [k for k in plain if "relative" in k or "gamma" in k or "q_bias" in k]


def test_tables_of_distances_are_loaded_and_resized(tmp_path):
    source = randomise(BEiT(window_size=4, **SMALL)).state_dict()
    name = "blocks.1.attn.relative_position_bias_table"
    published = dict(source, **{name: torch.cat([source[name], torch.zeros(3, 3)])})
    torch.save({"model": published}, tmp_path / "beit.pth")
    for size in (4, 3):
        model = BEiT(window_size=size, pretrained=str(tmp_path / "beit.pth"), **SMALL)
        index = model.blocks[0].attn.relative_position_index.clone()
        model.init_weights()
        table = model.state_dict()[name]
        image = source[name].T.unflatten(1, (7, 7))[None]
        side = 2 * size - 1
        expected = F.interpolate(image, size=(side, side), mode="bicubic", align_corners=False)
        torch.testing.assert_close(table, expected[0].flatten(1).T)
        assert torch.equal(model.blocks[0].attn.relative_position_index, index)


def test_beit_without_windows_needs_the_grid_of_its_table():
    model = BEiT(window_size=4, **SMALL)
    with pytest.raises(ValueError, match="grid of 4x4, but the image has 2x3"):
        model.blocks[0](torch.randn(1, 6, 12), (2, 3))
    with pytest.raises(ConfigError, match="not available"):
        BEiT(use_shared_rel_pos_bias=True, **SMALL)


def test_block_without_extras():
    block = ViTBlock(4, lambda x, grid: 2 * x, torch.nn.Identity(), norm_layer=torch.nn.Identity)
    x = torch.randn(1, 6, 4)
    torch.testing.assert_close(block(x, (2, 3)), 6 * x)
    assert isinstance(TIMMVisionTransformer(**SMALL).blocks, torch.nn.Sequential)
