"""Two-stage detectors train and test whatever a batch holds."""

import numpy as np
import pytest
import torch

from mmcv.runner.precision import cast_parameters
from mmdet.models import build_detector

DETECTORS = {
    "faster_rcnn": "faster_rcnn/faster_rcnn_r50_fpn_1x_coco",
    "mask_rcnn": "mask_rcnn/mask_rcnn_r50_fpn_1x_coco",
    "cascade_rcnn": "cascade_rcnn/cascade_rcnn_r50_fpn_1x_coco",
    "cascade_mask_rcnn": "cascade_rcnn/cascade_mask_rcnn_r50_fpn_1x_coco",
    "double_head": "double_heads/dh_faster_rcnn_r50_fpn_1x_coco",
    "htc_without_semantic": "htc/htc_without_semantic_r50_fpn_1x_coco",
    "htc": "htc/htc_r50_fpn_1x_coco",
}
WITH_MASKS = {"mask_rcnn", "cascade_mask_rcnn", "htc_without_semantic", "htc"}
RCNN = ["loss_cls", "acc", "loss_bbox"]
RPN = ["loss_rpn_cls", "loss_rpn_bbox"]
each_detector = pytest.mark.parametrize("name", DETECTORS)


def expected_losses(name):
    if name in ("faster_rcnn", "double_head"):
        return RPN + RCNN
    if name == "mask_rcnn":
        return [*RPN, *RCNN, "loss_mask"]
    of_stage = RCNN + (["loss_mask"] if name in WITH_MASKS else [])
    semantic = ["loss_semantic_seg"] if name == "htc" else []
    return RPN + semantic + [f"s{i}.{loss}" for i in range(3) for loss in of_stage]


def targets_of(name, targets, img):
    targets = dict(targets)
    if name not in WITH_MASKS:
        del targets["gt_masks"]
    if name == "htc":
        size = [n // 8 for n in img.shape[-2:]]
        targets["gt_semantic_seg"] = torch.randint(0, 4, (len(img), 1, *size))
    return targets


def backward(model, name, batch):
    img, metas, targets = batch
    losses = model(img, metas, return_loss=True, **targets_of(name, targets, img))
    loss, log_vars = model._parse_losses(losses)
    model.zero_grad()
    loss.backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.requires_grad}
    lost = [n for n, grad in gradients.items() if grad is None or not grad.isfinite().all()]
    assert not lost, "parameters without a finite gradient"
    assert all(np.isfinite(value) for value in log_vars.values()), log_vars
    return losses


@each_detector
def test_losses_have_their_names_whatever_the_batch_holds(name, small_model, batch):
    model = small_model(DETECTORS[name]).train()
    for num_objects in ((2, 1), (0, 2), (0, 0)):
        losses = backward(model, name, batch(num_objects))
        assert list(losses) == expected_losses(name)


@each_detector
def test_no_proposals_and_no_objects_train(name, small_model, batch):
    model = small_model(DETECTORS[name]).train()
    model.train_cfg.rpn_proposal.max_per_img = 0
    model.train_cfg.rpn_proposal.min_bbox_size = 10_000
    backward(model, name, batch((0, 0)))


@each_detector
def test_one_and_several_views(name, small_model, batch):
    model = small_model(DETECTORS[name]).eval()
    model.test_cfg.rcnn.score_thr = 0.0
    model.roi_head.test_cfg.score_thr = 0.0
    img, metas, _ = batch((1, 1))
    with torch.no_grad():
        results = model([img], [metas], return_loss=False, rescale=True)
        flipped = [dict(metas[0], flip=True, flip_direction="horizontal")]
        views = ([img[:1], img[:1].flip(-1)], [metas[:1], flipped])
        results += model(*views, return_loss=False, rescale=True)
    assert len(results) == 3
    for result in results:
        boxes, segms = result if name in WITH_MASKS else (result, None)
        assert len(boxes) == 4
        assert sum(len(found) for found in boxes) == 100
        for of_class in boxes:
            assert of_class.shape[1] == 5
            assert of_class.dtype == np.float32
            assert (of_class[:, [0, 2]] <= 45).all()
            assert (of_class[:, [1, 3]] <= 32).all()
        if segms is not None:
            assert [len(masks) for masks in segms] == [len(found) for found in boxes]
            assert {m.shape for masks in segms for m in masks} == {(32, 45)}
            assert {m.dtype for masks in segms for m in masks} == {np.dtype(bool)}


@each_detector
def test_images_of_a_batch_do_not_mix(name, small_model, batch):
    model = small_model(DETECTORS[name]).eval()
    img, metas, _ = batch((1, 1))
    with torch.no_grad():
        together = model([img], [metas], return_loss=False)
        apart = [model([img[i : i + 1]], [metas[i : i + 1]], return_loss=False)[0] for i in (0, 1)]
    for one, other in zip(together, apart, strict=True):
        pairs = [(one, other)] if name not in WITH_MASKS else list(zip(one, other, strict=True))[:1]
        for found, wanted in pairs:
            assert [len(a) for a in found] == [len(a) for a in wanted]
            for a, b in zip(found, wanted, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


@each_detector
def test_no_proposals_give_no_detections(name, small_model, batch):
    model = small_model(DETECTORS[name]).eval()
    img, metas, _ = batch((1, 1))
    with torch.no_grad():
        empty = [torch.zeros(0, 5)] * 2
        results = model([img], [metas], return_loss=False, proposals=[empty])
    assert len(results) == 2
    for result in results:
        boxes = result[0] if name in WITH_MASKS else result
        assert [found.shape for found in boxes] == [(0, 5)] * 4


@pytest.mark.parametrize("name", ["mask_rcnn", "htc"])
def test_bf16(name, small_cfg, batch):
    cfg = small_cfg(DETECTORS[name])
    cfg.backbone.norm_cfg = dict(type="SyncBN")  # its statistics stay in fp32
    torch.manual_seed(0)
    model = build_detector(cfg)
    model.init_weights()
    reference = backward(model.train(), name, batch())
    losses = backward(cast_parameters(model, torch.bfloat16), name, batch())
    for key, loss in losses.items():
        loss, wanted = (sum(x) if isinstance(x, list) else x for x in (loss, reference[key]))
        assert loss.dtype == torch.float32, key
        if "loss" in key and "rpn" in key:
            torch.testing.assert_close(loss, wanted, rtol=0.05, atol=0.02)
    img, metas, _ = batch()
    with torch.no_grad():
        boxes, _ = model.eval()([img], [metas], return_loss=False, rescale=True)[0]
    assert boxes[0].dtype == np.float32


def test_proposals_can_come_with_the_batch(small_cfg, batch):
    cfg = small_cfg(DETECTORS["faster_rcnn"])
    del cfg["rpn_head"]
    cfg.type = "TwoStageDetector"
    model = build_detector(cfg)
    img, metas, targets = batch()
    del targets["gt_masks"]
    proposals = [boxes + 2 for boxes in targets["gt_bboxes"]]
    losses = model(img, metas, proposals=proposals, **targets)
    assert list(losses) == RCNN


def test_proposal_network(small_model, batch):
    model = small_model("rpn/rpn_r50_fpn_1x_coco").train()
    img, metas, targets = batch()
    losses = model(img, metas, gt_bboxes=targets["gt_bboxes"])
    assert list(losses) == RPN
    model.eval()
    with torch.no_grad():
        results = model([img], [metas], return_loss=False)
        halves = model([img], [metas], return_loss=False, rescale=True)
    for found, half in zip(results, halves, strict=True):
        assert found.shape[1] == 5
        np.testing.assert_allclose(found[:, :4], half[:, :4] * 2, rtol=1e-5)
        assert (np.diff(found[:, 4]) <= 0).all()


def test_several_views_are_tested_one_image_at_a_time(small_model, batch):
    model = small_model(DETECTORS["faster_rcnn"])
    img, metas, _ = batch()
    with pytest.raises(AssertionError, match="samples_per_gpu=1"):
        model([img, img], [metas, metas], return_loss=False)
    with pytest.raises(TypeError, match="imgs must be a list"):
        model(img, [metas], return_loss=False)


def test_keys_of_1x(small_model):
    keys = set(small_model(DETECTORS["mask_rcnn"]).state_dict())
    wanted = [
        "backbone.conv1.weight",
        "backbone.layer1.0.conv1.weight",
        "neck.lateral_convs.0.conv.weight",
        "neck.fpn_convs.3.conv.bias",
        "rpn_head.rpn_conv.weight",
        "rpn_head.rpn_cls.bias",
        "rpn_head.rpn_reg.weight",
        "roi_head.bbox_head.fc_cls.weight",
        "roi_head.bbox_head.fc_reg.bias",
        "roi_head.bbox_head.shared_fcs.1.weight",
        "roi_head.mask_head.convs.3.conv.weight",
        "roi_head.mask_head.upsample.weight",
        "roi_head.mask_head.conv_logits.bias",
    ]
    assert set(wanted) <= keys
    keys = set(small_model(DETECTORS["htc"]).state_dict())
    wanted = [
        "roi_head.bbox_head.2.shared_fcs.0.weight",
        "roi_head.mask_head.1.conv_res.conv.weight",
        "roi_head.semantic_head.lateral_convs.4.conv.weight",
        "roi_head.semantic_head.convs.3.conv.bias",
        "roi_head.semantic_head.conv_embedding.conv.weight",
        "roi_head.semantic_head.conv_logits.weight",
    ]
    assert set(wanted) <= keys
    assert "roi_head.mask_head.0.conv_res.conv.weight" not in keys


def test_result_is_split_for_drawing():
    from mmdet.models.detectors.base import split_result

    boxes = [np.ones((2, 5)), np.zeros((0, 5)), np.full((1, 5), 2.0)]
    masks = [[np.ones((4, 4), bool)] * 2, [], [np.zeros((4, 4), bool)]]
    found, labels, segms = split_result((boxes, masks))
    assert found.shape == (3, 5)
    assert labels.tolist() == [0, 0, 2]
    assert segms is not None
    assert segms.shape == (3, 4, 4)
    assert split_result(boxes)[2] is None
