"""ViT-Adapters against their published steps, written with functions and the models' weights."""

import pytest
import torch
import torch.nn.functional as F

from mmcv.backbones.adapter_modules import Levels, pixel_centres
from mmcv.backbones.beit import BEiTAdapter
from mmcv.backbones.vit_adapter import InternViTAdapter, ViTAdapter
from mmcv.registry import MODELS, ConfigError

SMALL = dict(
    img_size=64,
    patch_size=16,
    embed_dim=16,
    num_heads=2,
    depth=3,
    interaction_indexes=[[0, 0], [1, 2]],
    conv_inplane=4,
    n_points=2,
    deform_num_heads=2,
    cffn_ratio=0.5,
    deform_ratio=0.5,
    with_cp=False,
)


def build(cls=InternViTAdapter, **options):
    torch.manual_seed(0)
    model = randomise(cls(**{**SMALL, **options}))
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return model


def randomise(model):
    with torch.no_grad():
        for name, param in model.named_parameters():
            if "sampling_offsets.bias" not in name:
                scale = 0.3 if param.ndim == 1 else param[0].numel() ** -0.5
                param.copy_(torch.randn(param.shape) * scale)
                if "norm" in name and name.endswith("weight"):
                    param.add_(1)
    return model


def images(size=64):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


def to_tokens(image):
    return image.flatten(2).transpose(1, 2)


def to_map(tokens, side):
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, side, side)


def grid_points(*sides):
    points = [((j + 0.5) / n, (i + 0.5) / n) for n in sides for i in range(n) for j in range(n)]
    return torch.tensor(points)[None, :, None]


def layer_norm(x, norm, eps=1e-5):
    assert norm.eps == eps
    return F.layer_norm(x, x.shape[-1:], norm.weight, norm.bias, eps)


def norm2d(x, norm):
    if hasattr(norm, "running_var"):  # of SyncBN, in evaluation
        parts = [t.view(-1, 1, 1) for t in (norm.running_mean, norm.running_var, norm.weight)]
        return (x - parts[0]) / (parts[1] + 1e-5).sqrt() * parts[2] + norm.bias.view(-1, 1, 1)
    return F.layer_norm(x.movedim(1, -1), x.shape[1:2], norm.weight, norm.bias, 1e-6).movedim(-1, 1)


def conv_stage(x, layers, stride):
    x = F.conv2d(x, layers[0].weight, stride=stride, padding=1)
    return norm2d(x, layers[1]).relu()


def extract(block, c, x, sides, eps):
    shapes = torch.tensor([[sides[1], sides[1]]])
    attended = block.attn(
        layer_norm(c, block.query_norm, eps),
        grid_points(*sides),
        layer_norm(x, block.feat_norm, eps),
        shapes,
    )
    c = c + attended
    hidden = F.linear(layer_norm(c, block.ffn_norm, eps), block.ffn.fc1.weight, block.ffn.fc1.bias)
    conv = block.ffn.dwconv.dwconv
    parts = hidden.split([n * n for n in sides], dim=1)
    maps = [
        F.conv2d(to_map(p, n), conv.weight, conv.bias, padding=1, groups=conv.groups)
        for p, n in zip(parts, sides, strict=True)
    ]
    hidden = F.gelu(torch.cat([to_tokens(m) for m in maps], 1))
    return c + F.linear(hidden, block.ffn.fc2.weight, block.ffn.fc2.bias)


def published_steps(model, image, eps=1e-5, each=False):
    """For square images of side 64 and patch size 16; ``each`` adds the map of each interaction."""
    sides = [8, 4, 2]
    spm = model.spm
    c = conv_stage(image, spm.stem[0:2], 2)
    c = conv_stage(conv_stage(c, spm.stem[3:5], 1), spm.stem[6:8], 1)
    c1 = F.max_pool2d(c, 3, 2, 1)
    c2 = conv_stage(c1, spm.conv2, 2)
    c3 = conv_stage(c2, spm.conv3, 2)
    c4 = conv_stage(c3, spm.conv4, 2)
    c1, c2, c3, c4 = spm.fc1(c1), spm.fc2(c2), spm.fc3(c3), spm.fc4(c4)
    c = torch.cat(
        [to_tokens(m) + e for m, e in zip((c2, c3, c4), model.level_embed, strict=True)], 1
    )
    x = to_tokens(model.patch_embed.proj(image))
    x = x if model.pos_embed is None else x + model.pos_embed[:, 1:]
    features = []
    shapes = torch.tensor([[n, n] for n in sides])
    for (first, last), block in zip(model.interaction_indexes, model.interactions, strict=True):
        inj = block.injector
        query, feat = layer_norm(x, inj.query_norm, eps), layer_norm(c, inj.feat_norm, eps)
        x = x + inj.gamma * inj.attn(query, grid_points(4), feat, shapes)
        for i in range(first, last + 1):
            x = model.blocks[i](x, (4, 4))
        features.append(to_map(x, 4))
        c = extract(block.extractor, c, x, sides, eps)
        for extra in block.extra_extractors or ():
            c = extract(extra, c, x, sides, eps)
    c2, c3, c4 = (to_map(p, n) for p, n in zip(c.split([64, 16, 4], 1), sides, strict=True))
    c1 = model.up(c2) + c1
    features = features if each else features[-1:] * 4
    outs = []
    for level, (m, factor) in enumerate(zip((c1, c2, c3, c4), (4, 2, 1, 0.5), strict=True), 1):
        feature = features[level - 1]
        m = m + F.interpolate(feature, scale_factor=factor, mode="bilinear", align_corners=False)
        outs.append(norm2d(m, getattr(model, f"norm{level}")))
    return outs


def test_equals_the_published_steps():
    model = build()
    with torch.no_grad():
        expected = published_steps(model, images())
    maps = model(images())
    assert [tuple(m.shape) for m in maps] == [(2, 16, n, n) for n in (16, 8, 4, 2)]
    for got, want in zip(maps, expected, strict=True):
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-5)


def test_extra_extractors_belong_to_the_last_interaction():
    model = build()
    assert model.interactions[0].extra_extractors is None
    assert len(model.interactions[1].extra_extractors) == 2
    assert build(use_extra_extractor=False).interactions[1].extra_extractors is None


def test_keys():
    state = {k: tuple(v.shape) for k, v in build().state_dict().items()}
    assert "cls_token" not in state and state["pos_embed"] == (1, 17, 16)
    assert {k: v for k, v in state.items() if k.startswith("spm.stem")} == {
        "spm.stem.0.weight": (4, 3, 3, 3),
        "spm.stem.3.weight": (4, 4, 3, 3),
        "spm.stem.6.weight": (4, 4, 3, 3),
        **{f"spm.stem.{i}.{p}": (4,) for i in (1, 4, 7) for p in ("weight", "bias")},
    }
    injector = {k for k in state if k.startswith("interactions.0.injector.")}
    attention = ("sampling_offsets", "attention_weights", "value_proj", "output_proj")
    assert injector == {
        "interactions.0.injector.gamma",
        *(
            f"interactions.0.injector.{m}.{p}"
            for m in ("query_norm", "feat_norm", *(f"attn.{a}" for a in attention))
            for p in ("weight", "bias")
        ),
    }
    assert state["interactions.0.injector.attn.sampling_offsets.weight"] == (2 * 3 * 2 * 2, 16)
    assert state["interactions.1.extra_extractors.1.attn.attention_weights.weight"] == (4, 16)
    assert state["interactions.0.extractor.ffn.dwconv.dwconv.weight"] == (8, 1, 3, 3)
    for key in ("level_embed", "up.weight", "norm1.weight", "norm4.bias", "spm.fc1.weight"):
        assert key in state
    three = build(out_indices=(1, 2, 3)).state_dict()
    assert not {"up.weight", "norm1.weight", "spm.fc1.weight"} & set(three)


def test_three_outputs_leave_stride_4_out():
    four, three = build(), build(out_indices=(1, 2, 3))
    three.load_state_dict(four.state_dict(), strict=False)
    torch.testing.assert_close(three(images()), four(images())[1:])


def test_parameter_counts_of_the_published_size():
    with torch.device("meta"):
        model = InternViTAdapter(
            img_size=512,
            patch_size=16,
            interaction_indexes=[[0, 11], [12, 23], [24, 35], [36, 47]],
            deform_ratio=0.25,
        )
    count = {n: sum(p.numel() for p in m.parameters()) for n, m in model.named_children()}
    assert (count["interactions"], count["spm"], count["up"]) == (99_496_600, 3_301_184, 40_963_200)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 143_796_184


def test_trains_what_it_adds():
    model = build()
    frozen = {n.split(".")[0] for n, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"patch_embed", "pos_embed", "blocks"}
    sum(m.square().mean() for m in model(images())).backward()
    assert all((p.grad is not None) == p.requires_grad for p in model.parameters())
    whole = build(freeze_vit=False)
    assert all(p.requires_grad for p in whole.parameters())


def test_checkpointing_gives_equal_gradients():
    grads = []
    for with_cp in (False, True):
        model = build(with_cp=with_cp, freeze_vit=False)
        sum(m.square().mean() for m in model(images())).backward()
        grads.append({n: p.grad for n, p in model.named_parameters()})
    torch.testing.assert_close(*grads, atol=0, rtol=0)


def test_starts_without_changing_the_vit():
    model = InternViTAdapter(**SMALL)
    assert all(bool((i.injector.gamma == 0).all()) for i in model.interactions)
    assert model.blocks[0].ls1.gamma[0] == 0.1
    bias = model.interactions[0].injector.attn.sampling_offsets.bias
    assert bias.abs().max() == 2 and bool((model.spm.fc1.bias == 0).all())


@pytest.mark.parametrize("patch_size, size", [(16, 96), (8, 64), (14, 224)])
def test_other_patch_and_image_sizes(patch_size, size):
    maps = build(patch_size=patch_size)(images(size))
    assert [m.shape[-1] for m in maps] == [size // s for s in (4, 8, 16, 32)]


def test_half_precision():
    assert {m.dtype for m in build().bfloat16()(images())} == {torch.bfloat16}


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(interaction_indexes=None), r"such as \[\[0, 2\]\] for depth = 3, but got None"),
        (dict(interaction_indexes=[[0, 3]]), r"but got \[\[0, 3\]\]"),
        (dict(with_fpn=True), "with_fpn has no effect in InternViTAdapter"),
        (dict(out_indices=(0, 1)), "out_indices must have 3 or 4 entries"),
    ],
)
def test_options_that_do_not_fit_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        InternViTAdapter(**{**SMALL, **change})


def test_image_size_must_be_a_multiple_of_patch_and_stride():
    with pytest.raises(ValueError, match="image size 80x80 is not a multiple of 32"):
        build()(images(80))
    with pytest.raises(ValueError, match="not a multiple of 224"):
        build(patch_size=14)(images(64))


def test_levels():
    levels = Levels.between([(2, 3)], [(4, 6), (2, 3)], torch.device("cpu"))
    expected = [[(j + 0.5) / 3, (i + 0.5) / 2] for i in range(2) for j in range(3)]
    torch.testing.assert_close(levels.reference[0, :, 0], torch.tensor(expected))
    assert levels.shapes.tolist() == [[4, 6], [2, 3]]
    assert pixel_centres((1, 1), torch.device("cpu")).tolist() == [[0.5, 0.5]]


def test_built_from_the_published_config():
    config = dict(SMALL, type="InternViTAdapter", pretrain_size=224, freeze_vit=True)
    config |= dict(
        qkv_bias=False, drop_path_rate=0.0, mlp_ratio=4.0, with_fpn=False, init_values=0.0
    )
    assert isinstance(MODELS.build(config), InternViTAdapter)
    with pytest.raises(ConfigError, match="did you mean 'deform_ratio'"):
        MODELS.build(dict(config, deform_ration=1))


FOUR = dict(depth=4, interaction_indexes=[[i, i] for i in range(4)])
PLAIN = [
    (ViTAdapter, dict()),
    (ViTAdapter, dict(window_attn=True, window_size=3, pretrain_size=224)),
    (BEiTAdapter, dict(window_size=4, qkv_bias=True, init_values=0.5)),
    (BEiTAdapter, dict(window_size=3, window_attn=True, version="old", **FOUR)),
]


@pytest.mark.parametrize("cls, options", PLAIN)
def test_adapters_of_plain_vits_equal_the_published_steps(cls, options):
    model = build(cls, **options).eval()
    with torch.no_grad():
        expected = published_steps(model, images(), 1e-6, options.get("version") == "old")
        maps = model(images())
    for got, want in zip(maps, expected, strict=True):
        torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cls, options", PLAIN)
def test_adapters_of_plain_vits_train_everything(cls, options):
    model = build(cls, **{**options, "with_cp": True, "drop_path_rate": 0.1})
    sum(m.square().mean() for m in model(images())).backward()
    assert all(p.grad is not None and p.requires_grad for p in model.parameters())


def test_keys_of_plain_vits_with_adapter_are_those_of_their_parts():
    intern = set(build().state_dict())
    added = {k for k in intern if k.split(".")[0] in ("level_embed", "spm", "interactions", "up")}
    for cls, options in PLAIN[::2]:
        state = build(cls, **options).state_dict()
        vit = ("patch_embed", "pos_embed", "blocks")
        statistics = ("running_mean", "running_var", "num_batches_tracked")
        rest = {k for k in state if k.split(".")[0] not in vit and not k.endswith(statistics)}
        norms = {f"norm{i}.{p}" for i in range(1, 5) for p in ("weight", "bias")}
        assert rest == added | norms
        assert "norm1.running_mean" in state and "spm.stem.1.running_var" in state


def test_plain_vits_with_adapter_build_on_the_meta_device():
    with torch.device("meta"):
        vit = MODELS.build(dict(type="ViTAdapter", interaction_indexes=[[0, 5], [6, 11]]))
        beit = MODELS.build(dict(type="BEiTAdapter", interaction_indexes=[[0, 5], [6, 11]]))
    assert vit.blocks[0].gamma1.is_meta and beit.blocks[0].gamma_1.is_meta
    assert vit.interactions[0].injector.attn.n_heads == 6


def test_wrong_versions_of_beit_are_named():
    with pytest.raises(ConfigError, match="version must be one of new, old"):
        build(BEiTAdapter, version="newest")
    with pytest.raises(ConfigError, match="needs four interaction_indexes, but got 2"):
        build(BEiTAdapter, version="old")
