"""Transformers of DETR, Deformable DETR and DINO against loops and closed forms."""

import math

import pytest
import torch
from torch import nn

from mmdet.models.utils import build_transformer
from mmdet.models.utils.transformer import (
    DeformableDetrTransformer,
    DinoTransformerDecoder,
    Transformer,
    build_MLP,
    inverse_sigmoid,
    nchw_to_nlc,
    nlc_to_nchw,
)

DIMS, LEVELS = 8, 2
SELF = dict(type="MultiheadAttention", embed_dims=DIMS, num_heads=2, dropout=0.0)
CROSS = dict(
    type="MultiScaleDeformableAttention",
    embed_dims=DIMS,
    num_heads=2,
    num_levels=LEVELS,
    num_points=2,
    dropout=0.0,
)
FFN = dict(feedforward_channels=16, ffn_dropout=0.0)
ENCODER = dict(
    type="DetrTransformerEncoder",
    num_layers=2,
    transformerlayers=dict(
        type="BaseTransformerLayer",
        attn_cfgs=CROSS,
        operation_order=("self_attn", "norm", "ffn", "norm"),
        **FFN,
    ),
)


def decoder(kind):
    return dict(
        type=kind,
        num_layers=2,
        return_intermediate=True,
        transformerlayers=dict(
            type="DetrTransformerDecoderLayer",
            attn_cfgs=[SELF, CROSS],
            operation_order=("self_attn", "norm", "cross_attn", "norm", "ffn", "norm"),
            **FFN,
        ),
    )


def deformable(kind="DeformableDetrTransformer", **kwargs):
    part = "DinoTransformerDecoder" if "Dino" in kind else "DeformableDetrTransformerDecoder"
    cfg = dict(type=kind, encoder=ENCODER, decoder=decoder(part), num_feature_levels=LEVELS)
    transformer = build_transformer({**cfg, **kwargs})
    transformer.init_weights()
    return transformer.eval()


def pyramid():
    """Two levels of two images, the second one padded at the right and below."""
    shapes = ((4, 6), (2, 3))
    feats = [torch.randn(2, DIMS, *shape) for shape in shapes]
    masks = [torch.zeros(2, *shape, dtype=torch.bool) for shape in shapes]
    masks[0][1, 3:] = masks[0][1, :, 4:] = masks[1][1, :, 2:] = True
    return feats, masks, [torch.randn_like(x) for x in feats]


def branches(count):
    return nn.ModuleList([nn.Linear(DIMS, 4) for _ in range(count)])


def test_inverse_sigmoid():
    x = torch.tensor([-1.0, 0.0, 0.3, 1.0])
    expected = [math.log(1e-5 / 1), math.log(1e-5), math.log(0.3 / 0.7), math.log(1 / 1e-5)]
    torch.testing.assert_close(inverse_sigmoid(x), torch.tensor(expected))


def test_tokens_and_maps():
    x = torch.randn(2, 3, 4, 5)
    tokens = nchw_to_nlc(x)
    assert tokens.shape == (2, 20, 3) and torch.equal(tokens[1, 7], x[1, :, 1, 2])
    assert torch.equal(nlc_to_nchw(tokens, (4, 5)), x)
    with pytest.raises(AssertionError):
        nlc_to_nchw(tokens, (4, 4))


def test_detr_transformer_ignores_padding():
    encoder = {**ENCODER, "transformerlayers": {**ENCODER["transformerlayers"], "attn_cfgs": SELF}}
    layers = dict(decoder("DetrTransformerDecoder"))
    layers["transformerlayers"] = {**layers["transformerlayers"], "attn_cfgs": SELF}
    transformer = Transformer(encoder, layers)
    transformer.init_weights()
    transformer.eval()
    mask = torch.zeros(2, 3, 4, dtype=torch.bool)
    mask[:, :, 3:] = True
    x, pos, queries = torch.randn(2, DIMS, 3, 4), torch.randn(2, DIMS, 3, 4), torch.randn(5, DIMS)
    out, memory = transformer(x, mask, queries, pos)
    assert out.shape == (2, 2, 5, DIMS) and memory.shape == x.shape
    cut, _ = transformer(x[..., :3], mask[..., :3], queries, pos[..., :3])
    torch.testing.assert_close(out, cut)


def test_reference_points_and_valid_ratios():
    _, masks, _ = pyramid()
    ratios = torch.stack([DeformableDetrTransformer.get_valid_ratio(m) for m in masks], 1)
    expected = torch.tensor([[[1.0, 1.0], [1.0, 1.0]], [[4 / 6, 3 / 4], [2 / 3, 1.0]]])
    torch.testing.assert_close(ratios, expected)
    shapes = torch.tensor([[4, 6], [2, 3]])
    points = DeformableDetrTransformer.get_reference_points(shapes, ratios, torch.device("cpu"))
    assert points.shape == (2, 30, 2, 2)
    for image in range(2):
        index = 0
        for level, (height, width) in enumerate(shapes.tolist()):
            for row in range(height):
                for column in range(width):
                    own = ratios[image, level]
                    x, y = (column + 0.5) / (own[0] * width), (row + 0.5) / (own[1] * height)
                    for seen in range(2):
                        there = torch.stack([x, y]) * ratios[image, seen]
                        torch.testing.assert_close(points[image, index, seen], there)
                    index += 1


def test_proposals_of_the_encoder():
    transformer = deformable(as_two_stage=True, two_stage_num_proposals=3)
    feats, masks, _ = pyramid()
    memory = torch.cat([x.flatten(2) for x in feats], 2).transpose(1, 2)
    padding = torch.cat([m.flatten(1) for m in masks], 1)
    shapes = torch.tensor([[4, 6], [2, 3]])
    out, logits = transformer.gen_encoder_output_proposals(memory, padding, shapes)
    index = 0
    for level, mask in enumerate(masks):
        for row in range(mask.shape[1]):
            for column in range(mask.shape[2]):
                for image in range(2):
                    height, width = (~mask[image, :, 0]).sum(), (~mask[image, 0]).sum()
                    center = [(column + 0.5) / width, (row + 0.5) / height]
                    box = torch.tensor([*center, 0.05 * 2**level, 0.05 * 2**level])
                    kept = not padding[image, index] and (box > 0.01).all() and (box < 0.99).all()
                    expected = box.logit() if kept else torch.full((4,), math.inf)
                    torch.testing.assert_close(logits[image, index], expected)
                    source = memory[image, index] * float(kept)
                    feature = transformer.enc_output_norm(transformer.enc_output(source))
                    torch.testing.assert_close(out[image, index], feature)
                index += 1


def test_proposal_encoding():
    boxes = torch.randn(1, 2, 4)
    got = DeformableDetrTransformer.get_proposal_pos_embed(boxes, 6, 20)
    assert got.shape == (1, 2, 24)
    for query in range(2):
        for k in range(4):
            for channel in range(6):
                angle = boxes[0, query, k].sigmoid() * 2 * math.pi / 20 ** (channel // 2 * 2 / 6)
                wave = torch.sin if channel % 2 == 0 else torch.cos
                torch.testing.assert_close(got[0, query, k * 6 + channel], wave(angle))


def test_one_stage_refines_boxes():
    transformer = deformable()
    feats, masks, encodings = pyramid()
    reg = branches(2)
    states, first, references, enc_class, enc_coords = transformer(
        feats, masks, torch.randn(5, 2 * DIMS), encodings, reg_branches=reg
    )
    assert states.shape == (2, 5, 2, DIMS) and first.shape == (2, 5, 2)
    assert enc_class is None and enc_coords is None and not references.requires_grad
    moves = reg[0](states[0].transpose(0, 1))
    moves[..., :2] += first.logit()
    torch.testing.assert_close(references[0], moves.sigmoid())
    moves = reg[1](states[1].transpose(0, 1)) + references[0].logit()
    torch.testing.assert_close(references[1], moves.sigmoid(), rtol=1e-4, atol=1e-5)
    fixed = transformer(feats, masks, torch.randn(5, 2 * DIMS), encodings)
    assert torch.equal(fixed[2][0], fixed[2][1]) and torch.equal(fixed[2][0], fixed[1])
    with pytest.raises(AssertionError, match="query_embed is needed"):
        transformer(feats, masks, None, encodings)


def test_two_stages_take_the_best_proposals():
    transformer = deformable(as_two_stage=True, two_stage_num_proposals=3)
    feats, masks, encodings = pyramid()
    masks = [torch.zeros_like(mask) for mask in masks]  # padded positions would all be alike
    cls, reg = nn.ModuleList([nn.Linear(DIMS, 5) for _ in range(3)]), branches(3)
    states, first, _, enc_class, enc_coords = transformer(
        feats, masks, None, encodings, reg_branches=reg, cls_branches=cls
    )
    assert states.shape == (2, 3, 2, DIMS) and enc_class.shape == (2, 30, 5)
    for image in range(2):
        scores = enc_class[image, :, 0].tolist()
        best = sorted(range(30), key=lambda i: -scores[i])[:3]
        torch.testing.assert_close(first[image], enc_coords[image, best].sigmoid())
    transformer.two_stage_num_proposals = 31
    with pytest.raises(AssertionError, match="two_stage_num_proposals=31"):
        transformer(feats, masks, None, encodings, reg_branches=reg, cls_branches=cls)


def test_dino_selects_positions_and_looks_forward_twice():
    transformer = deformable("DinoTransformer", as_two_stage=True, two_stage_num_proposals=3)
    feats, masks, encodings = pyramid()
    cls, reg = nn.ModuleList([nn.Linear(DIMS, 5) for _ in range(3)]), branches(3)
    options = dict(reg_branches=reg, cls_branches=cls)
    states, references, scores, anchors = transformer(feats, masks, None, encodings, **options)
    assert states.shape == (2, 3, 2, DIMS) and references.shape == (3, 2, 3, 4)
    assert scores.shape == (2, 3, 5) and anchors.shape == (2, 3, 4)
    assert (scores.max(-1)[0].diff(dim=1) <= 0).all()
    torch.testing.assert_close(references[0], anchors)
    assert references[2].requires_grad and anchors.requires_grad
    references[1].sum().backward()  # the box behind layer 0 trains its own regression
    assert reg[0].weight.grad.abs().sum() > 0

    # Denoising queries do not change the others, whose mask hides them.
    extra_label, extra_box = torch.randn(2, 4, DIMS), torch.randn(2, 4, 4)
    mask = torch.zeros(7, 7, dtype=torch.bool)
    mask[4:, :4] = True
    more = transformer(feats, masks, None, encodings, extra_label, extra_box, mask, **options)
    assert more[0].shape == (2, 7, 2, DIMS)
    torch.testing.assert_close(more[0][:, 4:], states)
    torch.testing.assert_close(more[1][0, :, :4], extra_box.sigmoid())
    with pytest.raises(AssertionError, match="as_two_stage must be True"):
        deformable("DinoTransformer")


def test_dino_position_encoding_order():
    box = torch.tensor([[[0.1, 0.2, 0.3, 0.4]]])
    got = DinoTransformerDecoder.gen_sineembed_for_position(box, 4)
    expected = []
    for value in (0.2, 0.1, 0.3, 0.4):  # y, x, w, h
        for channel in range(4):
            angle = value * 2 * math.pi / 10000 ** (channel // 2 * 2 / 4)
            expected.append(math.sin(angle) if channel % 2 == 0 else math.cos(angle))
    torch.testing.assert_close(got[0, 0], torch.tensor(expected))
    assert DinoTransformerDecoder.gen_sineembed_for_position(box[..., :2], 4).shape == (1, 1, 8)
    with pytest.raises(ValueError, match="2 or 4 coordinates"):
        DinoTransformerDecoder.gen_sineembed_for_position(box[..., :3], 4)


def test_reference_noise_only_while_training():
    cfg = {**decoder("DinoTransformerDecoder"), "with_rp_noise": True}
    module = build_transformer(cfg)
    ratios, points = torch.ones(1, 2, 2), torch.rand(1, 3, 4)
    value = torch.randn(30, 1, DIMS)
    options = dict(
        value=value, key=None, reference_points=points, valid_ratios=ratios,
        spatial_shapes=torch.tensor([[4, 6], [2, 3]]),
    )  # fmt: skip
    query = torch.zeros(3, 1, DIMS)
    noisy = module(query, **options)[1]
    assert not torch.equal(noisy[1], points) and (noisy[1] - points).abs().max() <= 0.01
    assert torch.equal(module.eval()(query, **options)[1][2], points)


def test_mlp_keys():
    assert list(build_MLP(4, 8, 2, 3).state_dict()) == [
        "0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias",
    ]  # fmt: skip
    with pytest.raises(AssertionError):
        build_MLP(4, 8, 2, 1)


@pytest.mark.parametrize("kind", ["DeformableDetrTransformer", "DinoTransformer"])
def test_bf16_stays_near_fp32(kind):
    two_stage = dict(as_two_stage=True, two_stage_num_proposals=3) if "Dino" in kind else {}
    transformer = deformable(kind, **two_stage)
    feats, masks, encodings = pyramid()
    cls, reg = nn.ModuleList([nn.Linear(DIMS, 5) for _ in range(3)]), branches(3)
    options = dict(reg_branches=reg, cls_branches=cls)
    queries = None if two_stage else torch.randn(5, 2 * DIMS)
    exact = transformer(feats, masks, queries, encodings, **options)
    for module in (transformer, cls, reg):
        module.bfloat16()
    queries = None if queries is None else queries.bfloat16()
    halves = [x.bfloat16() for x in feats]
    rounded = transformer(halves, masks, queries, encodings, **options)
    assert rounded[0].dtype == torch.bfloat16 and rounded[1].dtype == torch.float32
    if not two_stage:  # two stages may select others
        torch.testing.assert_close(rounded[0].float(), exact[0], rtol=0.1, atol=0.2)


@pytest.mark.parametrize("kind", ["DeformableDetrTransformer", "DinoTransformer"])
def test_builds_on_meta(kind):
    with torch.device("meta"):
        two_stage = dict(as_two_stage=True) if "Dino" in kind else {}
        transformer = deformable(kind, **two_stage)
    assert all(p.is_meta for p in transformer.parameters())
