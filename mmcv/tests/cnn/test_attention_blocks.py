"""NonLocal, ContextBlock and GeneralizedAttention against sums written as loops."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmcv.cnn import ContextBlock, GeneralizedAttention, NonLocal1d, NonLocal2d, NonLocal3d
from mmcv.cnn.non_local import MODES
from mmcv.registry import ConfigError


def randomise(module):
    torch.manual_seed(0)
    with torch.no_grad():
        for param in module.parameters():
            if param.requires_grad:
                param.copy_(torch.randn(param.shape) * 0.5)
    return module.eval()


def linear(conv, x):
    """Applies a 1x1 convolution to one position's vector."""
    y = conv.weight.flatten(1) @ x
    return y if conv.bias is None else y + conv.bias


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sub_sample", [False, True])
def test_non_local(mode, sub_sample):
    block = randomise(NonLocal2d(6, reduction=2, mode=mode, sub_sample=sub_sample))
    x = torch.randn(1, 6, 4, 4)
    own = [x[0, :, i, j] for i in range(4) for j in range(4)]

    def embed(module):
        conv = module[0].conv if sub_sample else module.conv
        image = F.conv2d(x, conv.weight, conv.bias)
        return pool(image)

    def pool(image):
        return (F.max_pool2d(image, 2) if sub_sample else image)[0].flatten(1).T

    values = embed(block.g)
    keys = pool(x) if mode == "gaussian" else embed(block.phi)
    out = []
    for vector in own:
        query = vector if mode == "gaussian" else linear(block.theta.conv, vector)
        if mode == "concatenation":
            kernel = block.concat_project.conv.weight.flatten()
            pair = torch.stack([torch.cat([query, key]) @ kernel for key in keys])
            weights = pair.relu() / len(keys)
        else:
            logits = torch.stack([query @ key for key in keys])
            if mode == "dot_product":
                weights = logits / len(keys)
            else:
                scale = len(query) ** 0.5 if mode == "embedded_gaussian" else 1
                weights = (logits / scale).softmax(0)
        out.append(vector + linear(block.conv_out.conv, weights @ values))
    torch.testing.assert_close(block(x)[0].flatten(1).T, torch.stack(out), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "block, shape",
    [
        (NonLocal1d(6, sub_sample=True), (2, 6, 8)),
        (NonLocal2d(6, norm_cfg=dict(type="BN")), (2, 6, 4, 4)),
        (NonLocal3d(6, sub_sample=True, mode="dot_product"), (2, 6, 3, 4, 4)),
    ],
)
def test_non_local_starts_as_the_identity(block, shape):
    x = torch.randn(shape)
    torch.testing.assert_close(block(x), x)


def test_non_local_may_start_otherwise():
    block = NonLocal2d(6, zeros_init=False)
    assert block.conv_out.conv.weight.abs().sum() > 0
    with pytest.raises(ConfigError, match="mode must be one of gaussian"):
        NonLocal2d(6, mode="laplace")


@pytest.mark.parametrize("pooling", ["att", "avg"])
@pytest.mark.parametrize(
    "fusion", [("channel_add",), ("channel_mul",), ("channel_add", "channel_mul")]
)
def test_context_block(pooling, fusion):
    block = randomise(ContextBlock(8, ratio=0.5, pooling_type=pooling, fusion_types=fusion))
    x = torch.randn(2, 8, 3, 3)
    for b in range(2):
        pixels = x[b].flatten(1).T
        if pooling == "att":
            weights = torch.stack([linear(block.conv_mask, p)[0] for p in pixels]).softmax(0)
        else:
            weights = torch.full((9,), 1 / 9)
        context = weights @ pixels

        def transform(layers, context=context):
            hidden = linear(layers[0], context)
            hidden = F.layer_norm(
                hidden, (4,), layers[1].weight.flatten(), layers[1].bias.flatten()
            )
            return linear(layers[3], hidden.relu())

        expected = x[b]
        if "channel_mul" in fusion:
            expected = expected * transform(block.channel_mul_conv).sigmoid()[:, None, None]
        if "channel_add" in fusion:
            expected = expected + transform(block.channel_add_conv)[:, None, None]
        torch.testing.assert_close(block(x)[b], expected, atol=1e-5, rtol=1e-5)


def test_context_block_arguments():
    with pytest.raises(ConfigError, match="pooling_type must be 'avg' or 'att'"):
        ContextBlock(8, 0.5, pooling_type="max")
    with pytest.raises(ConfigError, match="fusion_types must be of"):
        ContextBlock(8, 0.5, fusion_types=("spatial",))
    x = torch.randn(1, 8, 3, 3)
    torch.testing.assert_close(ContextBlock(8, 0.5)(x), x)


def naive_generalized(block, x, q_stride, kv_stride):
    """One query, one head, one key at a time; x: (C, H, W)."""
    flags, heads, dim = block.attention_type, block.num_heads, block.qk_embed_dim
    queries, keys = x[:, ::q_stride, ::q_stride], x[:, ::kv_stride, ::kv_stride]
    out = torch.zeros(heads * dim, *queries.shape[1:])

    def sines(distance):
        quarter = block.position_embedding_dim // 4
        angles = [distance / 1000 ** (i / quarter) for i in range(quarter)]
        return torch.tensor([*map(math.sin, angles), *map(math.cos, angles)])

    for m in range(heads):
        part = slice(m * dim, (m + 1) * dim)
        for i in range(queries.shape[1]):
            for j in range(queries.shape[2]):
                logits, values = [], []
                for k in range(keys.shape[1]):
                    for n in range(keys.shape[2]):
                        energy = torch.zeros(())
                        zero = torch.zeros(dim)
                        query = (
                            linear(block.query_conv, queries[:, i, j])[part]
                            if flags[0] or flags[1]
                            else zero
                        )
                        if flags[0] or flags[2]:
                            key = linear(block.key_conv, keys[:, k, n])[part]
                            left = (query if flags[0] else zero) + (
                                block.appr_bias[part] if flags[2] else zero
                            )
                            energy = energy + left @ key
                        if flags[1] or flags[3]:
                            dy = (i * q_stride - k * kv_stride) * block.position_magnitude
                            dx = (j * q_stride - n * kv_stride) * block.position_magnitude
                            rows = (block.appr_geom_fc_y.weight @ sines(dy))[part] / 2**0.5
                            columns = (block.appr_geom_fc_x.weight @ sines(dx))[part] / 2**0.5
                            left = (query if flags[1] else zero) + (
                                block.geom_bias[part] if flags[3] else zero
                            )
                            energy = energy + left @ (rows + columns)
                        far = block.spatial_range >= 0 and block.local_constraint_map[i, j, k, n]
                        logits.append(energy - math.inf if far else energy)
                        values.append(linear(block.value_conv, keys[:, k, n])[part])
                out[part, i, j] = torch.stack(logits).softmax(0) @ torch.stack(values)
    out = F.conv2d(out[None], block.proj_conv.weight, block.proj_conv.bias)
    out = F.interpolate(out, x.shape[1:], mode="bilinear", align_corners=False)
    return x + block.gamma * out[0]


@pytest.mark.parametrize("attention_type", ["1111", "1000", "0100", "0010", "0001", "0011", "1001"])
@pytest.mark.parametrize("q_stride, kv_stride", [(1, 2), (2, 1)])
def test_generalized_attention(attention_type, q_stride, kv_stride):
    block = GeneralizedAttention(
        8,
        num_heads=2,
        position_magnitude=0.5,
        kv_stride=kv_stride,
        q_stride=q_stride,
        attention_type=attention_type,
    )
    randomise(block)
    x = torch.randn(1, 8, 4, 4)
    with torch.no_grad():
        expected = naive_generalized(block, x[0], q_stride, kv_stride)
        torch.testing.assert_close(block(x)[0], expected, atol=1e-5, rtol=1e-5)


def test_generalized_attention_within_a_range():
    block = randomise(GeneralizedAttention(512, spatial_range=1, num_heads=2, kv_stride=2))
    assert block.local_constraint_map.shape == (42, 42, 21, 21)
    assert block.local_constraint_map.dtype == torch.uint8
    near = block.local_constraint_map[10, 10] == 0
    assert near.nonzero().tolist() == [[k, n] for k in (4, 5, 6) for n in (4, 5, 6)]
    assert block(torch.randn(1, 512, 6, 6)).shape == (1, 512, 6, 6)
    with pytest.raises(ConfigError, match="in_channels to be 256 or 512"):
        GeneralizedAttention(8, spatial_range=1, num_heads=2)
    x = torch.randn(1, 36, 4, 4)
    torch.testing.assert_close(GeneralizedAttention(36)(x), x)
    with pytest.raises(ConfigError, match="must be a multiple of 4"):
        GeneralizedAttention(18)
