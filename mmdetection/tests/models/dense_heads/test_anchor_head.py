"""Anchor heads: targets and losses against loops, empty images."""

import pytest
import torch
import torch.nn.functional as F

from mmcv.config import Config, ConfigDict
from mmdet.models.dense_heads import AnchorHead

TRAIN_CFG = dict(
    assigner=dict(
        type="MaxIoUAssigner",
        pos_iou_thr=0.7,
        neg_iou_thr=0.3,
        min_pos_iou=0.3,
        match_low_quality=True,
        ignore_iof_thr=-1,
    ),
    sampler=dict(
        type="RandomSampler", num=256, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False
    ),
    allowed_border=0,
    pos_weight=-1,
    debug=False,
)
META = dict(img_shape=(256, 256, 3), scale_factor=1, pad_shape=(256, 256, 3))


def make_head(**kwargs):
    return AnchorHead(num_classes=4, in_channels=1, train_cfg=Config(TRAIN_CFG), **kwargs)


def outputs_of(head, size=256):
    feats = [torch.rand(1, 1, size // 2 ** (i + 2), size // 2 ** (i + 2)) for i in range(5)]
    return head(feats)


def total(losses):
    return float(sum(losses).detach())


def test_no_objects_give_only_a_class_loss():
    head = make_head()
    cls_scores, bbox_preds = outputs_of(head)
    losses = head.loss(cls_scores, bbox_preds, [torch.empty(0, 4)], [torch.LongTensor([])], [META])
    assert total(losses["loss_cls"]) > 0
    assert total(losses["loss_bbox"]) == 0


def test_an_object_gives_both_losses():
    head = make_head()
    cls_scores, bbox_preds = outputs_of(head)
    boxes = [torch.tensor([[23.6667, 23.8757, 238.6326, 151.8874]])]
    losses = head.loss(cls_scores, bbox_preds, boxes, [torch.LongTensor([2])], [META])
    assert total(losses["loss_cls"]) > 0
    assert total(losses["loss_bbox"]) > 0


def test_losses_against_a_loop_over_anchors():
    torch.manual_seed(0)
    cfg = Config({**TRAIN_CFG, "allowed_border": -1, "sampler": dict(type="PseudoSampler")})
    head = AnchorHead(
        num_classes=4,
        in_channels=1,
        anchor_generator=dict(type="AnchorGenerator", scales=[4], ratios=[1.0], strides=[8, 16]),
        loss_bbox=dict(type="L1Loss"),
        train_cfg=cfg,
    )
    meta = dict(img_shape=(64, 64, 3), pad_shape=(64, 64, 3))
    scores, deltas = head([torch.rand(1, 1, 8, 8), torch.rand(1, 1, 4, 4)])
    gt = torch.tensor([10.0, 8.0, 40.0, 44.0])
    losses = head.loss(scores, deltas, [gt[None]], [torch.tensor([3])], [meta])

    anchors = []
    for stride in (8, 16):
        side = 4 * stride
        for y in range(64 // stride):
            for x in range(64 // stride):
                cx, cy = x * stride, y * stride
                anchors.append([cx - side / 2, cy - side / 2, cx + side / 2, cy + side / 2])
    anchors = torch.tensor(anchors)
    low, high = torch.maximum(anchors[:, :2], gt[:2]), torch.minimum(anchors[:, 2:], gt[2:])
    inter = (high - low).clamp(min=0).prod(1)
    areas = (anchors[:, 2:] - anchors[:, :2]).prod(1) + (gt[2:] - gt[:2]).prod() - inter
    iou = inter / areas
    # The best anchors are positive whatever their overlap (match_low_quality).
    positive = (iou >= 0.7) | (iou == iou.max())
    counted = positive | (iou < 0.3)
    logits = torch.cat([s.permute(0, 2, 3, 1).reshape(-1, 4) for s in scores])
    target = torch.zeros_like(logits)
    target[positive, 3] = 1
    wanted_cls = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    wanted_cls = wanted_cls[counted].sum() / positive.sum()
    assert total(losses["loss_cls"]) == pytest.approx(wanted_cls.item(), rel=1e-4)

    size, center = anchors[:, 2:] - anchors[:, :2], (anchors[:, 2:] + anchors[:, :2]) / 2
    wanted = torch.cat(
        [((gt[:2] + gt[2:]) / 2 - center) / size, ((gt[2:] - gt[:2]) / size).log()], 1
    )
    given = torch.cat([d.permute(0, 2, 3, 1).reshape(-1, 4) for d in deltas])
    wanted_bbox = (given - wanted).abs()[positive].sum() / positive.sum()
    assert total(losses["loss_bbox"]) == pytest.approx(wanted_bbox.item(), rel=1e-4)


def test_an_image_without_anchors_gives_zero_losses_with_a_graph():
    head = make_head()
    cls_scores, bbox_preds = outputs_of(head, 64)
    meta = dict(img_shape=(4, 4, 3), pad_shape=(4, 4, 3))
    losses = head.loss(cls_scores, bbox_preds, [torch.ones(1, 4)], [torch.tensor([0])], [meta])
    (sum(losses["loss_cls"]) + sum(losses["loss_bbox"])).backward()
    assert total(losses["loss_cls"]) == total(losses["loss_bbox"]) == 0
    assert all(p.grad is not None and not p.grad.any() for p in head.parameters())


def test_detections_against_a_loop():
    torch.manual_seed(0)
    test_cfg = ConfigDict(
        nms_pre=20, score_thr=0.3, nms=dict(type="nms", iou_threshold=0.5), max_per_img=7
    )
    head = AnchorHead(
        num_classes=3,
        in_channels=1,
        anchor_generator=dict(type="AnchorGenerator", scales=[4], ratios=[1.0], strides=[8, 16]),
        test_cfg=test_cfg,
    )
    scores = [torch.randn(1, 3, 8, 8), torch.randn(1, 3, 4, 4)]
    deltas = [torch.randn(1, 4, 8, 8) * 0.1, torch.randn(1, 4, 4, 4) * 0.1]
    meta = dict(img_shape=(60, 60, 3), scale_factor=[2.0, 2.0, 2.0, 2.0])
    dets, labels = head.get_bboxes(scores, deltas, img_metas=[meta], rescale=True)[0]

    candidates = []
    for level, stride in enumerate((8, 16)):
        found = []
        for c in range(3):
            for y in range(64 // stride):
                for x in range(64 // stride):
                    score = scores[level][0, c, y, x].sigmoid().item()
                    if score > 0.3:
                        dx, dy, dw, dh = deltas[level][0, :, y, x].double()
                        side = 4.0 * stride
                        cx, cy = x * stride + dx * side, y * stride + dy * side
                        w, h = side * dw.exp(), side * dh.exp()
                        box = torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
                        found.append((score, c, box.clamp(0, 60) / 2))
        candidates += sorted(found, key=lambda item: -item[0])[:20]
    kept = []
    for score, c, box in sorted(candidates, key=lambda item: -item[0]):
        if all(c != other_c or iou_of(box, other) <= 0.5 for _, other_c, other in kept):
            kept.append((score, c, box))
    assert labels.tolist() == [c for _, c, _ in kept[:7]]
    wanted = torch.stack([torch.cat([b, torch.tensor([s]).double()]) for s, _, b in kept[:7]])
    torch.testing.assert_close(dets.double(), wanted, rtol=1e-4, atol=1e-4)


def iou_of(a, b):
    inter = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0).prod()
    return inter / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inter)


def test_without_suppression_boxes_scores_and_labels_come_back():
    cfg = ConfigDict(nms_pre=5, score_thr=0.0)
    head = make_head(test_cfg=cfg)
    outs = outputs_of(head)
    boxes, scores, labels = head.get_bboxes(*outs, img_metas=[META], with_nms=False)[0]
    assert boxes.shape == (25, 4)
    assert scores.shape == labels.shape == (25,)


def test_losses_that_weigh_boxes_themselves_switch_sampling_off():
    head = make_head(loss_cls=dict(type="FocalLoss", use_sigmoid=True))
    assert head.sampling is False
    assert make_head().sampling is True


def test_a_missing_assigner_is_named():
    with pytest.raises(AssertionError, match="'assigner'"):
        AnchorHead(num_classes=4, in_channels=1, train_cfg=dict(allowed_border=0))
