"""DETR, Deformable DETR and DINO heads: matching, losses, detections."""

import copy

import pytest
import torch
from torch.nn import functional as F

from mmdet.models import build_detector, build_head

CLASSES, DIMS, QUERIES = 5, 16, 6
HEIGHT, WIDTH = 48, 64
METAS = [
    dict(batch_input_shape=(HEIGHT, WIDTH), img_shape=(48, 64, 3), scale_factor=2.0),
    dict(batch_input_shape=(HEIGHT, WIDTH), img_shape=(40, 32, 3), scale_factor=2.0),
]
SELF = dict(type="MultiheadAttention", embed_dims=DIMS, num_heads=2, dropout=0.0)
CROSS = dict(
    type="MultiScaleDeformableAttention", embed_dims=DIMS, num_heads=2, num_levels=2, num_points=2
)
FFN = dict(feedforward_channels=32, ffn_dropout=0.0)
DECODER_ORDER = ("self_attn", "norm", "cross_attn", "norm", "ffn", "norm")


def transformer(kind, decoder, attention):
    encoder_layer = dict(
        type="BaseTransformerLayer",
        attn_cfgs=attention,
        operation_order=("self_attn", "norm", "ffn", "norm"),
        **FFN,
    )
    decoder_layer = dict(
        type="DetrTransformerDecoderLayer",
        attn_cfgs=[SELF, attention],
        operation_order=DECODER_ORDER,
        **FFN,
    )
    cfg = dict(
        type=kind,
        encoder=dict(type="DetrTransformerEncoder", num_layers=1, transformerlayers=encoder_layer),
        decoder=dict(
            type=decoder, num_layers=2, return_intermediate=True, transformerlayers=decoder_layer
        ),
    )
    return cfg if attention is SELF else dict(cfg, num_feature_levels=2)


SHARED = dict(
    num_classes=CLASSES,
    in_channels=DIMS,
    num_query=QUERIES,
    positional_encoding=dict(type="SinePositionalEncoding", num_feats=DIMS // 2, normalize=True),
    test_cfg=dict(max_per_img=QUERIES),
)
FOCAL = dict(type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=2.0)
MATCHING = dict(
    assigner=dict(
        type="HungarianAssigner",
        cls_cost=dict(type="FocalLossCost", weight=2.0),
        reg_cost=dict(type="BBoxL1Cost", weight=5.0, box_format="xywh"),
        iou_cost=dict(type="IoUCost", iou_mode="giou", weight=2.0),
    )
)
DEFORMABLE = dict(
    SHARED,
    type="DeformableDETRHead",
    loss_cls=FOCAL,
    train_cfg=MATCHING,
    transformer=transformer("DeformableDetrTransformer", "DeformableDetrTransformerDecoder", CROSS),
)
TWO_STAGE = dict(
    DEFORMABLE,
    as_two_stage=True,
    with_box_refine=True,
    transformer=dict(DEFORMABLE["transformer"], two_stage_num_proposals=QUERIES),
)
DINO = dict(
    TWO_STAGE,
    type="DINOHead",
    transformer=dict(
        transformer("DinoTransformer", "DinoTransformerDecoder", CROSS),
        two_stage_num_proposals=QUERIES,
    ),
    dn_cfg=dict(
        type="CdnQueryGenerator",
        noise_scale=dict(label=0.5, box=0.4),
        group_cfg=dict(dynamic=True, num_groups=None, num_dn_queries=6),
    ),
)
HEADS = dict(
    detr=dict(
        SHARED,
        type="DETRHead",
        transformer=transformer("Transformer", "DetrTransformerDecoder", SELF),
    ),
    deformable=DEFORMABLE,
    refined=dict(DEFORMABLE, with_box_refine=True),
    two_stage=TWO_STAGE,
    dino=DINO,
)
NONE = ([torch.empty(0, 4)] * 2, [torch.empty(0).long()] * 2)
SOME = (
    [torch.tensor([[4.0, 4.0, 30.0, 28.0], [20.0, 10.0, 60.0, 44.0]]), torch.empty(0, 4)],
    [torch.tensor([1, 4]), torch.empty(0).long()],
)


def make(name):
    torch.manual_seed(0)
    head = build_head(copy.deepcopy(HEADS[name]))
    head.init_weights()
    return head


def maps(name):
    torch.manual_seed(1)
    sizes = [(6, 8)] if name == "detr" else [(6, 8), (3, 4)]
    return [torch.randn(2, DIMS, *size) for size in sizes]


def expected_names(name):
    kinds = ["loss_cls", "loss_bbox", "loss_iou"]
    names = [*kinds, *[f"d0.{kind}" for kind in kinds]]
    if name == "two_stage":
        names += [f"enc_{kind}" for kind in kinds]
    if name == "dino":
        names += [f"interm_{kind}" for kind in kinds]
        names += [f"dn_{kind}" for kind in kinds] + [f"d0.dn_{kind}" for kind in kinds]
    return set(names)


@pytest.mark.parametrize("truth", [NONE, SOME], ids=["none", "some"])
@pytest.mark.parametrize("name", HEADS)
def test_losses(name, truth):
    head = make(name)
    losses = head.forward_train(maps(name), METAS, *truth)
    assert set(losses) == expected_names(name)
    for key, loss in losses.items():
        assert loss.isfinite() and loss.dtype == torch.float32
        if truth is SOME or ("cls" in key and "dn" not in key):
            assert loss > 0, key
        elif "cls" not in key:
            assert loss == 0, key
    sum(losses.values()).backward()
    missing = [n for n, p in head.named_parameters() if p.grad is None]
    assert missing == []
    assert all(p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize("name", HEADS)
def test_detections(name):
    head = make(name).eval()
    outs = head(maps(name), METAS)
    results = head.get_bboxes(*outs, METAS, rescale=True)
    plain = head.simple_test_bboxes(maps(name), METAS)
    for (dets, labels), (boxes, _), meta in zip(results, plain, METAS, strict=True):
        assert dets.shape == (QUERIES, 5) and labels.shape == (QUERIES,)
        assert labels.min() >= 0 and labels.max() < CLASSES
        height, width, _ = meta["img_shape"]
        limit = torch.tensor([width, height, width, height])
        assert (boxes[:, :4] >= 0).all() and (boxes[:, :4] <= limit).all()
        torch.testing.assert_close(dets[:, :4] * 2, boxes[:, :4])
        assert (dets[:, 4].diff() <= 0).all()
    with pytest.raises(AssertionError, match="does not support test-time augmentation"):
        head.aug_test([maps(name)], [METAS])


@pytest.mark.parametrize("name", HEADS)
def test_bf16(name):
    head = make(name).bfloat16()
    losses = head.forward_train(maps(name), METAS, *SOME)
    sum(losses.values()).backward()
    assert all(loss.isfinite() and loss.dtype == torch.float32 for loss in losses.values())
    assert all(p.grad is None or p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize("name", HEADS)
def test_builds_on_meta(name):
    with torch.device("meta"):
        head = make(name)
    assert all(p.is_meta for p in head.parameters())


def test_losses_are_those_of_the_matched_queries():
    """Predictions beside the objects: every term by hand."""
    head = make("deformable")
    boxes, labels = SOME
    scale = torch.tensor([64.0, 48, 64, 48])
    low, high = (boxes[0] / scale).split(2, dim=1)
    wanted = torch.cat([(low + high) / 2, high - low], 1)
    preds = torch.full((1, QUERIES, 4), 0.02)
    preds[0, 3], preds[0, 1] = wanted[0] + 0.01, wanted[1]
    scores = torch.full((1, QUERIES, CLASSES), -4.0)
    scores[0, 3, 1], scores[0, 1, 4] = 2.0, 3.0
    loss_cls, loss_bbox, loss_iou = head.loss_single(
        scores, preds, boxes[:1], labels[:1], METAS[:1], None
    )
    assert loss_bbox.item() == pytest.approx(5.0 * 0.04 / 2, rel=1e-4)
    target = torch.zeros(QUERIES, CLASSES)
    target[3, 1] = target[1, 4] = 1
    p = scores[0].sigmoid()
    focal = F.binary_cross_entropy(p, target, reduction="none")
    focal = focal * torch.where(target > 0, 0.25 * (1 - p) ** 2, 0.75 * p**2)
    assert loss_cls.item() == pytest.approx(2.0 * focal.sum().item() / 2, rel=1e-4)
    from torchvision.ops import generalized_box_iou

    center, size = preds[0, 3, :2], preds[0, 3, 2:]
    corners = torch.cat([center - size / 2, center + size / 2])[None] * scale
    giou = generalized_box_iou(corners, boxes[0][:1])[0, 0].item()
    assert loss_iou.item() == pytest.approx(2.0 * (1 - giou) / 2, rel=1e-4)


def test_background_weight_of_detr():
    head = make("detr")
    weights = torch.as_tensor(head.loss_cls.class_weight)
    torch.testing.assert_close(weights.float(), torch.tensor([1.0] * CLASSES + [0.1]))
    assert head.bg_cls_weight == 0.1 and head.cls_out_channels == CLASSES + 1
    weights = [1.0, 2.0, 3.0, 4.0, 5.0]
    loss = dict(type="CrossEntropyLoss", bg_cls_weight=0.5, class_weight=weights)
    head = build_head({**HEADS["detr"], "loss_cls": loss})
    assert weights == [1.0, 2.0, 3.0, 4.0, 5.0]  # the config is not changed
    torch.testing.assert_close(
        torch.as_tensor(head.loss_cls.class_weight).float(), torch.tensor([*weights, 0.5])
    )
    with pytest.raises(AssertionError, match="has 2 weights for 5 classes"):
        build_head({**HEADS["detr"], "loss_cls": {**loss, "class_weight": [1.0, 1.0]}})


def test_shared_and_own_branches():
    shared, own = make("deformable"), make("refined")
    assert shared.cls_branches[0] is shared.cls_branches[1]
    assert own.cls_branches[0] is not own.cls_branches[1]
    assert len(make("two_stage").reg_branches) == 3
    assert own.reg_branches[0][-1].bias.tolist() == [0, 0, -2, -2]
    two = build_head({**HEADS["refined"], "use_2fc_cls_branch": True})
    two.init_weights()
    assert two.cls_branches[0][0].out_features == 24
    assert two.cls_branches[0][-1].bias[0] < -4


def test_dino_without_denoising_has_the_matching_losses():
    """The original returned None here."""
    head = make("dino").eval()
    outs = head(maps("dino"), METAS)
    losses = head.loss(*outs, *SOME, METAS)
    assert set(losses) == {key for key in expected_names("dino") if "dn_" not in key}
    head.dn_generator = None
    with pytest.raises(AssertionError, match="dn_cfg"):
        head.forward_train(maps("dino"), METAS, *SOME)
    with pytest.raises(AssertionError, match="as_two_stage and with_box_refine"):
        build_head({**DINO, "with_box_refine": False})


def test_dino_denoising_targets():
    head = make("dino")
    meta = dict(pad_size=12, num_dn_group=2)  # groups of 3 positive and 3 negative queries
    boxes, labels = SOME
    preds = torch.rand(12, 4)
    got = head._get_dn_target_single(preds, boxes[0], labels[0], METAS[0], meta)
    names, weights, targets, box_weights, pos, neg = got
    assert pos.tolist() == [0, 1, 6, 7] and neg.tolist() == [3, 4, 9, 10]
    for query in range(12):
        if query % 6 < 2:
            k = query % 6
            x1, y1, x2, y2 = (boxes[0][k] / torch.tensor([64.0, 48, 64, 48])).tolist()
            box = torch.tensor([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])
            torch.testing.assert_close(targets[query], box)
            assert names[query] == labels[0][k] and box_weights[query].all()
        else:
            assert names[query] == CLASSES and not box_weights[query].any()
    assert weights.all()


def test_padding_does_not_matter():
    """An image gives the same boxes alone and beside a larger one."""
    head = make("two_stage").eval()  # DINO's queries see their boxes as shares of the padded map
    torch.manual_seed(2)
    small = [torch.randn(1, DIMS, 4, 4), torch.randn(1, DIMS, 2, 2)]
    alone = dict(batch_input_shape=(32, 32), img_shape=(32, 32, 3))
    padded = [F.pad(x, (0, x.shape[-1], 0, x.shape[-2])) for x in small]
    beside = dict(batch_input_shape=(64, 64), img_shape=(32, 32, 3))
    a, b = head(small, [alone]), head(padded, [beside])
    for index in (0, 1):
        torch.testing.assert_close(a[index], b[index], rtol=1e-4, atol=1e-4)


def test_dino_freezes_by_rule():
    backbone = dict(type="ResNet", depth=18, num_stages=2, strides=(1, 2), dilations=(1, 1),
                    out_indices=(0, 1))  # fmt: skip
    neck = dict(type="ChannelMapper", in_channels=[64, 128], out_channels=DIMS, kernel_size=1)
    cfg = dict(type="DINO", backbone=backbone, neck=neck, bbox_head=DINO)
    with torch.device("meta"):
        model = build_detector({**cfg, "rule": "freeze_backbone_encoder"})
    frozen = {name.split(".")[0] for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"backbone", "neck", "bbox_head"}
    assert model.bbox_head.label_embedding.weight.requires_grad
    assert not any(p.requires_grad for p in model.bbox_head.transformer.encoder.parameters())
    with pytest.raises(AssertionError, match="rule must be None or one of freeze_backbone"):
        build_detector({**cfg, "rule": "freeze_all"})
