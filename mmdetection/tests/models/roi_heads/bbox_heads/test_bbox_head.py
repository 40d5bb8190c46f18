"""Box heads: losses, detections and refinement."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmcv.config import Config, ConfigDict
from mmdet.boxes import bbox2roi, build_assigner, build_sampler
from mmdet.models import build_head
from mmdet.models.roi_heads.bbox_heads import (
    BBoxHead,
    ConvFCBBoxHead,
    DoubleConvFCBBoxHead,
    Shared2FCBBoxHead,
    Shared4Conv1FCBBoxHead,
)


def sample(proposals, gt_bboxes, gt_labels):
    """Returns sampling results; the best box of every object is positive."""
    assigner = build_assigner(
        dict(
            type="MaxIoUAssigner",
            pos_iou_thr=0.5,
            neg_iou_thr=0.5,
            min_pos_iou=0.5,
            ignore_iof_thr=-1,
        )
    )
    cfg = dict(type="RandomSampler", num=512, pos_fraction=0.25, add_gt_as_proposals=True)
    sampler = build_sampler(cfg)
    results = []
    for i, boxes in enumerate(proposals):
        assigned = assigner.assign(boxes, gt_bboxes[i], None, gt_labels[i])
        results.append(sampler.sample(assigned, boxes, gt_bboxes[i], gt_labels[i]))
    return results


def loss_of(head, proposals, gt_bboxes, gt_labels):
    results = sample(proposals, gt_bboxes, gt_labels)
    targets = head.get_targets(results, gt_bboxes, gt_labels, Config(dict(pos_weight=1)))
    rois = bbox2roi([res.bboxes for res in results])
    cls_score, bbox_pred = head(torch.rand(len(rois), 8 * 3 * 3))
    return head.loss(cls_score, bbox_pred, rois, *targets), (cls_score, bbox_pred, rois, targets)


def test_no_objects():
    head = BBoxHead(in_channels=8, roi_feat_size=3)
    proposals = [torch.tensor([[23.6667, 23.8757, 228.6326, 153.8874]])]
    losses, _ = loss_of(head, proposals, [torch.empty(0, 4)], [torch.LongTensor([])])
    assert losses["loss_cls"] > 0
    assert losses["loss_bbox"] == 0


def test_losses_against_the_formula():
    torch.manual_seed(0)
    head = BBoxHead(in_channels=8, roi_feat_size=3, num_classes=5, loss_bbox=dict(type="L1Loss"))
    proposals = [torch.tensor([[20.0, 20.0, 60.0, 60.0], [100.0, 100.0, 140.0, 150.0]])]
    gt = [torch.tensor([[22.0, 20.0, 60.0, 64.0]])]
    losses, (scores, deltas, rois, _) = loss_of(head, proposals, gt, [torch.tensor([3])])
    labels = torch.tensor([3, 3, 5])  # the object itself, the first proposal, the second one
    assert rois[:, 1:].tolist() == [gt[0][0].tolist(), *proposals[0].tolist()]
    assert losses["loss_cls"].item() == pytest.approx(F.cross_entropy(scores, labels).item())
    accuracy = (scores.argmax(1) == labels).float().mean() * 100
    assert losses["acc"].item() == pytest.approx(accuracy.item())
    wanted = torch.zeros(())
    for i in (0, 1):
        box, (x1, y1, x2, y2) = rois[i, 1:], gt[0][0]
        w, h = box[2] - box[0], box[3] - box[1]
        target = torch.stack(
            [
                ((x1 + x2) - (box[0] + box[2])) / 2 / w,
                ((y1 + y2) - (box[1] + box[3])) / 2 / h,
                ((x2 - x1) / w).log(),
                ((y2 - y1) / h).log(),
            ]
        ) / torch.tensor([0.1, 0.1, 0.2, 0.2])
        wanted = wanted + (deltas[i, 12:16] - target).abs().sum()
    assert losses["loss_bbox"].item() == pytest.approx(wanted.item() / 3, rel=1e-5)


def test_no_regions_give_zero_losses_with_a_graph():
    head = BBoxHead(in_channels=8, roi_feat_size=3)
    losses, _ = loss_of(head, [torch.empty(0, 4)], [torch.empty(0, 4)], [torch.LongTensor([])])
    (losses["loss_cls"] + losses["loss_bbox"]).backward()
    assert losses["loss_cls"] == losses["loss_bbox"] == losses["acc"] == 0
    assert all(p.grad is not None for p in head.parameters())


@pytest.mark.parametrize("num_sample", [0, 1, 3])
def test_unsuppressed_boxes(num_sample):
    head = BBoxHead(reg_class_agnostic=True)
    rois = torch.rand(num_sample, 5)
    scale = np.array([2.0, 2.0, 2.0, 2.0])
    args = (rois, torch.rand(num_sample, 81), torch.rand(num_sample, 4), (512, 512), scale)
    boxes, scores = head.get_bboxes(*args, rescale=True)
    assert boxes.shape == (num_sample, 4)
    assert scores.shape == (num_sample, 81)


def test_detections():
    head = BBoxHead(num_classes=2)
    rois = torch.tensor([[0.0, 0, 0, 20, 20], [0, 40, 40, 60, 60]])
    logits = torch.tensor([[4.0, 0, 0], [0, 0, 4.0]])
    cfg = ConfigDict(score_thr=0.5, nms=dict(type="nms", iou_threshold=0.5), max_per_img=10)
    boxes, labels = head.get_bboxes(
        rois, logits, torch.zeros(2, 8), (50, 50), np.full(4, 2.0), rescale=True, cfg=cfg
    )
    assert labels.tolist() == [0]
    assert boxes[0, :4].tolist() == [0, 0, 10, 10]
    assert boxes[0, 4].item() == pytest.approx(logits[0].softmax(0)[0].item())


def test_refinement_leaves_the_objects_out():
    head = BBoxHead(reg_class_agnostic=True)
    rois = torch.tensor([[0.0, 10, 10, 30, 30], [0, 0, 0, 20, 20], [1, 5, 5, 25, 25]])
    deltas = torch.zeros(3, 4)
    deltas[1, 0] = 1.0  # a tenth of the width to the right
    labels = torch.tensor([0, 1, 2])
    is_gt = [torch.tensor([1], dtype=torch.uint8), torch.tensor([], dtype=torch.uint8)]
    metas = [dict(img_shape=(100, 100))] * 2
    first, second = head.refine_bboxes(rois, labels, deltas, is_gt, metas)
    torch.testing.assert_close(first, torch.tensor([[2.0, 0, 22, 20]]))
    torch.testing.assert_close(second, rois[2:, 1:])


def test_the_class_decides_which_box_is_taken():
    head = BBoxHead(num_classes=3)
    deltas = torch.zeros(2, 12)
    deltas[0, 4] = 1.0
    deltas[1, 8] = 1.0
    rois = torch.tensor([[7.0, 0, 0, 20, 20], [7.0, 0, 0, 20, 20]])
    moved = head.regress_by_class(rois, torch.tensor([1, 1]), deltas, dict(img_shape=(99, 99)))
    torch.testing.assert_close(moved, torch.tensor([[7.0, 2, 0, 22, 20], [7.0, 0, 0, 20, 20]]))


HEADS = {
    "pooled": dict(type="BBoxHead", with_avg_pool=True),
    "convs and fcs": dict(
        type="ConvFCBBoxHead",
        num_shared_convs=1,
        num_cls_convs=1,
        num_cls_fcs=1,
        num_reg_convs=1,
        conv_out_channels=8,
        fc_out_channels=6,
    ),
    "one branch pooled": dict(type="ConvFCBBoxHead", num_cls_fcs=1, with_avg_pool=True),
    "2 fcs": dict(type="Shared2FCBBoxHead", fc_out_channels=6),
    "4 convs": dict(type="Shared4Conv1FCBBoxHead", conv_out_channels=8, fc_out_channels=6),
    "classes only": dict(type="Shared2FCBBoxHead", with_reg=False),
}


@pytest.mark.parametrize("cfg", HEADS.values(), ids=HEADS)
def test_every_kind_of_head_runs_on_many_and_no_regions(cfg):
    head = build_head(dict(cfg, in_channels=8, roi_feat_size=3, num_classes=4))
    head.init_weights()
    for num in (3, 0):
        scores, boxes = head(torch.rand(num, 8, 3, 3))
        assert scores.shape == (num, 5)
        assert boxes is None if cfg.get("with_reg") is False else boxes.shape == (num, 16)


def test_double_head():
    head = DoubleConvFCBBoxHead(
        num_convs=1, num_fcs=1, in_channels=8, conv_out_channels=8, fc_out_channels=6,
        roi_feat_size=3, num_classes=4,
    ).eval()  # fmt: skip
    head.init_weights()
    scores, boxes = head(torch.rand(2, 8, 3, 3), torch.rand(2, 8, 3, 3))
    assert scores.shape == (2, 5)
    assert boxes.shape == (2, 16)


def test_layers_that_cannot_follow_each_other():
    with pytest.raises(AssertionError, match="num_shared_fcs"):
        ConvFCBBoxHead(num_shared_fcs=1, num_cls_convs=1)
    with pytest.raises(AssertionError, match="BBoxHead"):
        ConvFCBBoxHead()
    with pytest.raises(AssertionError, match="with_cls or with_reg"):
        ConvFCBBoxHead(num_cls_fcs=1, with_cls=False)


def test_initial_weights():
    torch.manual_seed(0)
    head = Shared2FCBBoxHead(in_channels=8, num_classes=80, fc_out_channels=256)
    head.init_weights()
    assert head.fc_cls.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert head.fc_reg.weight.std().item() == pytest.approx(0.001, rel=0.05)
    bound = (6 / (8 * 49 + 256)) ** 0.5
    assert head.shared_fcs[0].weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert not head.shared_fcs[0].bias.any()
    assert set(Shared4Conv1FCBBoxHead(in_channels=8).state_dict()) >= {
        "shared_convs.3.conv.weight",
        "shared_fcs.0.bias",
    }
