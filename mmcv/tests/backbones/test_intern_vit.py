"""InternViT against a second implementation written from the published formulas, loop by loop."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmcv.backbones.intern_vit import InternViT6B
from mmcv.registry import MODELS, ConfigError

SMALL = dict(
    img_size=28,
    patch_size=7,
    embed_dim=32,
    num_heads=4,
    depth=3,
    out_indices=[0, 2],
    with_cp=False,
)
DETECTION = dict(SMALL, window_attn=[True, False, True], window_size=[3, 3, 2])


def randomise(model, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, param in model.named_parameters():
            scale = 1.0 if param.ndim == 1 else param[0].numel() ** -0.5
            param.copy_(torch.randn(param.shape, generator=generator) * scale)
            if name.endswith(("norm.weight", "norm1.weight", "norm2.weight")):
                param.add_(1)
    return model


def images(batch=2, height=28, width=28, seed=1):
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


def rms(x, weight):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * weight


def naive_attention(x, weights, heads):
    """x: (N, C) tokens of one image or window; one head and one query at a time."""
    dim = x.shape[-1] // heads
    qkv = x @ weights["attn.qkv.weight"].T + weights.get("attn.qkv.bias", 0)
    q, k, v = qkv.split(x.shape[-1], dim=-1)
    if "attn.q_norm.weight" in weights:
        q, k = rms(q, weights["attn.q_norm.weight"]), rms(k, weights["attn.k_norm.weight"])
    out = torch.empty_like(q)
    for h in range(heads):
        part = slice(h * dim, (h + 1) * dim)
        for n in range(x.shape[0]):
            logits = k[:, part] @ q[n, part] / math.sqrt(dim)
            out[n, part] = logits.softmax(0) @ v[:, part]
    return out


def naive_windows(x, weights, heads, grid, size):
    """x: (HW, C); windows are cut out one by one from the zero-padded grid of *inputs*."""
    height, width = grid
    rows, columns = math.ceil(height / size), math.ceil(width / size)
    padded = x.new_zeros(rows * size, columns * size, x.shape[-1])
    padded[:height, :width] = x.view(height, width, -1)
    out = torch.empty_like(padded)
    for r in range(rows):
        for c in range(columns):
            place = (slice(r * size, (r + 1) * size), slice(c * size, (c + 1) * size))
            window = padded[place].reshape(size * size, -1)
            out[place] = naive_attention(window, weights, heads).view(size, size, -1)
    return out[:height, :width].reshape(height * width, -1)


def naive_block(x, weights, heads, grid, size):
    normed = rms(x, weights["norm1.weight"])
    if size is None:
        attended = naive_attention(normed, weights, heads)
    else:
        attended = naive_windows(normed, weights, heads, grid, size)
    attended = attended @ weights["attn.proj.weight"].T + weights["attn.proj.bias"]
    x = x + attended * weights.get("ls1.gamma", 1)
    hidden = rms(x, weights["norm2.weight"]) @ weights["mlp.fc1.weight"].T
    hidden = F.gelu(hidden + weights["mlp.fc1.bias"])
    hidden = hidden @ weights["mlp.fc2.weight"].T + weights["mlp.fc2.bias"]
    return x + hidden * weights.get("ls2.gamma", 1)


def naive_vit(model, image, *, heads, sizes, with_cls_token, positions=None):
    """image: (3, H, W); returns the tokens (HW, C) after every block."""
    state = model.state_dict()
    p = state["patch_embed.proj.weight"].shape[-1]
    grid = (image.shape[1] // p, image.shape[2] // p)
    patches = image.view(3, grid[0], p, grid[1], p).permute(1, 3, 0, 2, 4).reshape(-1, 3 * p * p)
    x = patches @ state["patch_embed.proj.weight"].flatten(1).T + state["patch_embed.proj.bias"]
    positions = state["pos_embed"][0] if positions is None else positions
    x = torch.cat([state["cls_token"][0], x]) if with_cls_token else x
    x = x + positions[-x.shape[0] :]
    outs = []
    for i, size in enumerate(sizes):
        prefix = f"blocks.{i}."
        weights = {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
        x = naive_block(x, weights, heads, grid, size)
        outs.append(x[1:] if with_cls_token else x)
    return outs


def as_map(tokens, grid):
    return tokens.T.reshape(-1, *grid)


@pytest.mark.parametrize("use_flash_attn", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"qkv_bias": True},
        {"qk_normalization": False},
        {"init_values": 0.0},
        {"layerscale_force_fp32": True},
    ],
)
def test_segmentation_equals_the_formulas(options, use_flash_attn):
    model = randomise(InternViT6B(**SMALL, **options, use_flash_attn=use_flash_attn))
    x = images()
    maps = model(x)
    assert len(maps) == 2
    for b in range(2):
        outs = naive_vit(model, x[b], heads=4, sizes=[None] * 3, with_cls_token=True)
        for got, index in zip(maps, [0, 2], strict=True):
            assert got.is_contiguous() and got.dtype == torch.float32
            torch.testing.assert_close(got[b], as_map(outs[index], (4, 4)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("qkv_bias", [False, True])
@pytest.mark.parametrize("use_flash_attn", [True, False])
def test_detection_equals_the_formulas(qkv_bias, use_flash_attn):
    model = InternViT6B(**DETECTION, qkv_bias=qkv_bias, use_flash_attn=use_flash_attn)
    randomise(model)
    x = images()
    maps = model(x)
    for b in range(2):
        outs = naive_vit(model, x[b], heads=4, sizes=[3, None, 2], with_cls_token=False)
        for got, index in zip(maps, [0, 2], strict=True):
            torch.testing.assert_close(got[b], as_map(outs[index], (4, 4)), atol=1e-5, rtol=1e-5)


def test_keys_and_shapes():
    model = InternViT6B(**SMALL, with_fpn=False)
    keys = {
        "cls_token": (1, 1, 32),
        "pos_embed": (1, 17, 32),
        "patch_embed.proj.weight": (32, 3, 7, 7),
        "patch_embed.proj.bias": (32,),
    }
    for i in range(3):
        keys |= {
            f"blocks.{i}.norm1.weight": (32,),
            f"blocks.{i}.attn.qkv.weight": (96, 32),
            f"blocks.{i}.attn.q_norm.weight": (32,),
            f"blocks.{i}.attn.k_norm.weight": (32,),
            f"blocks.{i}.attn.proj.weight": (32, 32),
            f"blocks.{i}.attn.proj.bias": (32,),
            f"blocks.{i}.ls1.gamma": (32,),
            f"blocks.{i}.norm2.weight": (32,),
            f"blocks.{i}.mlp.fc1.weight": (128, 32),
            f"blocks.{i}.mlp.fc1.bias": (128,),
            f"blocks.{i}.mlp.fc2.weight": (32, 128),
            f"blocks.{i}.mlp.fc2.bias": (32,),
            f"blocks.{i}.ls2.gamma": (32,),
        }
    assert {k: tuple(v.shape) for k, v in model.state_dict().items()} == keys
    detection = InternViT6B(**DETECTION).state_dict()
    assert set(keys) - set(detection) == {"cls_token"}
    assert not list(model.buffers())


@pytest.mark.parametrize("with_final_norm", [False, True])
def test_pyramid_keys_and_strides(with_final_norm):
    options = dict(SMALL, depth=4, out_indices=[0, 1, 2, 3])
    model = InternViT6B(**options, with_fpn=True, with_final_norm=with_final_norm)
    keys = {k: tuple(v.shape) for k, v in model.state_dict().items() if k.startswith("up")}
    double, bias = (32, 32, 2, 2), (32,)
    expected = {
        **{"up1.0.weight": double, "up1.0.bias": bias, "up1.1.weight": bias, "up1.1.bias": bias},
        **{"up1.3.weight": double, "up1.3.bias": bias, "up2.0.weight": double, "up2.0.bias": bias},
    }
    if with_final_norm:
        for name in ("up1.4", "up2.1", "up3.1", "up4.1"):
            expected |= {f"{name}.weight": bias, f"{name}.bias": bias}
    assert keys == expected
    assert [tuple(m.shape[2:]) for m in model(images())] == [(16, 16), (8, 8), (4, 4), (2, 2)]


def test_pyramid_takes_one_map_per_level_and_in_detection_the_last():
    options = dict(depth=4, out_indices=[0, 1, 2, 3])
    plain = randomise(InternViT6B(**{**SMALL, **options}))
    pyramid = InternViT6B(**{**SMALL, **options}, with_fpn=True)
    pyramid.load_state_dict(plain.state_dict(), strict=False)
    maps, levels = plain(images()), pyramid(images())
    torch.testing.assert_close(levels[2], maps[2])
    torch.testing.assert_close(levels[3], F.max_pool2d(maps[3], 2))
    torch.testing.assert_close(levels[1], pyramid.up2(maps[1]))

    plain = randomise(InternViT6B(**dict(SMALL, window_attn=True, window_size=3)))
    pyramid = InternViT6B(**dict(SMALL, window_attn=True, window_size=3, with_fpn=True))
    pyramid.load_state_dict(plain.state_dict(), strict=False)
    last = plain(images())[-1]
    levels = pyramid(images())
    torch.testing.assert_close(levels[2], last)
    torch.testing.assert_close(levels[0], pyramid.up1(last))


def test_parameter_counts_of_the_published_sizes():
    def count(module):
        return sum(p.numel() for p in module.parameters())

    with torch.device("meta"):
        deep = InternViT6B(img_size=504)
        shallow = InternViT6B(img_size=504, depth=45, out_indices=[11, 22, 33, 44], with_fpn=True)
    assert count(deep.blocks[0]) == 122_918_400
    assert count(deep) == 5_906_121_600
    pyramid = sum(count(getattr(shallow, f"up{i}")) for i in range(1, 5))
    assert pyramid == 122_896_000
    assert count(shallow) - pyramid == 5_537_366_400


@pytest.mark.parametrize("options", [SMALL, DETECTION])
def test_other_image_sizes_interpolate_the_positions(options):
    model = randomise(InternViT6B(**options))
    got = model(images(1, 35, 42))[-1]
    grid = model.pos_embed[:, 1:].detach().view(1, 4, 4, 32).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(5, 6), mode="bicubic", align_corners=False)
    tokens = grid.flatten(2).transpose(1, 2)[0]
    sizes = [3, None, 2] if options is DETECTION else [None] * 3
    expected = naive_vit(
        model,
        images(1, 35, 42)[0],
        heads=4,
        sizes=sizes,
        with_cls_token=options is SMALL,
        positions=torch.cat([model.pos_embed[0, :1].detach(), tokens]),
    )
    torch.testing.assert_close(got[0], as_map(expected[-1], (5, 6)), atol=1e-5, rtol=1e-5)


def test_image_that_is_not_made_of_patches_is_refused():
    with pytest.raises(ValueError, match=r"30x28 is not a multiple of patch_size = 7"):
        InternViT6B(**SMALL)(images(1, 30, 28))


@pytest.mark.parametrize(
    "change, message",
    [
        (
            dict(out_indices=[0, 3]),
            r"\[0, 3\] must be blocks from 0 to depth - 1 = 2",
        ),
        (dict(num_heads=5), "embed_dim = 32 is not a multiple of 5 heads"),
        (dict(with_fpn=True), "with_fpn needs 1 or 4 out_indices"),
        (dict(window_attn=[True]), "window_attn has 1 entries, but depth = 3"),
        (dict(window_attn=True, window_size=[2, 2]), "window_size has 2 entries"),
        (dict(output_dtype="int8"), "output_dtype must be one of"),
    ],
)
def test_sizes_that_do_not_fit_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        InternViT6B(**{**SMALL, **change})


@pytest.mark.parametrize("options", [SMALL, DETECTION])
def test_checkpointing_gives_equal_gradients(options):
    grads = []
    for with_cp in (False, True, "full"):
        model = randomise(InternViT6B(**dict(options, with_cp=with_cp, drop_path_rate=0.5)))
        torch.manual_seed(3)
        sum(m.square().sum() for m in model(images())).backward()
        grads.append({n: p.grad for n, p in model.named_parameters()})
    assert all(g is not None for g in grads[0].values())
    torch.testing.assert_close(grads[1], grads[0], atol=0, rtol=0)
    torch.testing.assert_close(grads[2], grads[0], atol=0, rtol=0)


def test_unknown_checkpointing_is_refused():
    with pytest.raises(ConfigError, match=r"with_cp must be .* did you mean 'selective'"):
        InternViT6B(**dict(SMALL, with_cp="selectiv"))


@pytest.mark.parametrize("options", [SMALL, DETECTION])
def test_skipping_dropped_branches_equals_multiplying_by_zero(options):
    results = []
    for skip in (False, True):
        model = randomise(
            InternViT6B(**dict(options, drop_path_rate=0.6, skip_dropped=skip))
        ).double()
        torch.manual_seed(5)
        maps = model(images(batch=5).double())
        sum(m.square().sum() for m in maps).backward()
        results.append((maps, {n: p.grad for n, p in model.named_parameters()}))
    torch.testing.assert_close(results[1], results[0], atol=0, rtol=1e-10)


@pytest.mark.parametrize("options", [SMALL, DETECTION])
def test_a_block_that_every_sample_skips_has_zero_gradients(options):
    model = randomise(InternViT6B(**dict(options, drop_path_rate=0.999)))
    torch.manual_seed(0)
    sum(m.square().sum() for m in model(images())).backward()
    assert all(p.grad is not None for p in model.parameters())
    assert model.blocks[-1].mlp.fc1.weight.grad.abs().max() == 0


@pytest.mark.parametrize("options", [SMALL, DETECTION])
def test_patch_embedding_equals_a_convolution(options):
    proj = randomise(InternViT6B(**options)).patch_embed.proj
    plain = F.conv2d(images(), proj.weight, proj.bias, stride=proj.stride)
    torch.testing.assert_close(proj(images()), plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("options", [SMALL, DETECTION, dict(SMALL, with_cp=True)])
@pytest.mark.parametrize(
    "dtype, tolerance",
    [(torch.float32, 1e-6), (torch.bfloat16, 2e-2)],  # of the largest value of each tensor
)
def test_fused_norms_equal_the_plain_ones(options, dtype, tolerance, monkeypatch):
    model = randomise(InternViT6B(**options, drop_path_rate=0.5)).to(dtype)
    results = {}
    for backend in ("reference", "fused"):
        monkeypatch.setenv("MMOPS_NORM", backend)
        torch.manual_seed(3)
        model.zero_grad()
        maps = model(images())
        sum(m.float().square().mean() for m in maps).backward()
        grads = {n: p.grad for n, p in model.named_parameters()}
        results[backend] = {**{f"map {i}": m for i, m in enumerate(maps)}, **grads}
    for name, plain in results["reference"].items():
        worst = (results["fused"][name] - plain).abs().max()
        assert worst <= tolerance * plain.abs().max(), (name, worst)


def test_frozen_vit_trains_only_the_pyramid():
    options = dict(SMALL, out_indices=[2], with_cp=True, freeze_vit=True, with_fpn=True)
    model = randomise(InternViT6B(**options))
    trainable = {n.split(".")[0] for n, p in model.named_parameters() if p.requires_grad}
    assert trainable == {"up1", "up2"}
    levels = model(images())
    assert [level.requires_grad for level in levels] == [True, True, False, False]
    sum(level.sum() for level in levels[:2]).backward()
    assert model.up1[0].weight.grad is not None
    assert model.blocks[0].mlp.fc1.weight.grad is None


def test_blocks_behind_the_last_index_are_built_but_not_run():
    model = randomise(InternViT6B(**dict(SMALL, out_indices=[1])))
    assert len(model.blocks) == 3
    before = model(images())[0]
    with torch.no_grad():
        model.blocks[2].mlp.fc1.weight.fill_(float("nan"))
    torch.testing.assert_close(model(images())[0], before)
    model(images())[0].sum().backward()
    assert all((p.grad is not None) == p.requires_grad for p in model.parameters())


def test_drop_path_rates_are_floats_that_grow_linearly():
    model = InternViT6B(**SMALL, drop_path_rate=0.4)
    rates = [block.drop_path1.drop_prob for block in model.blocks]
    assert rates == [0.0, 0.2, 0.4]
    assert all(type(rate) is float for rate in rates)


def test_half_precision_parameters_take_fp32_images():
    model = randomise(InternViT6B(**SMALL)).bfloat16()
    assert model.dtype == torch.bfloat16
    assert [m.dtype for m in model(images())] == [torch.bfloat16] * 2
    model = InternViT6B(**SMALL, output_dtype="float32").bfloat16()
    assert [m.dtype for m in model(images())] == [torch.float32] * 2


def test_built_from_a_config_with_lists():
    config = dict(DETECTION, type="InternViT6B", output_dtype="float32", freeze_vit=True)
    assert isinstance(MODELS.build(config), InternViT6B)
    with pytest.raises(ConfigError, match="did you mean 'freeze_vit'"):
        MODELS.build(dict(type="InternViT6B", freezevit=True))
