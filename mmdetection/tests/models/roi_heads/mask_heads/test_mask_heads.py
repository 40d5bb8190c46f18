"""Mask heads: losses, pasting, and the semantic branch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmcv.config import Config
from mmdet.boxes import bbox2roi, build_assigner, build_sampler
from mmdet.masks import BitmapMasks
from mmdet.models.roi_heads.mask_heads import FCNMaskHead, FusedSemanticHead, HTCMaskHead
from mmdet.models.roi_heads.mask_heads import paste as paste_module
from mmdet.models.roi_heads.mask_heads.paste import paste_masks


def small_head(**kwargs):
    options = dict(num_convs=1, roi_feat_size=6, in_channels=8, conv_out_channels=8, num_classes=8)
    return FCNMaskHead(**{**options, **kwargs})


def test_loss_of_sampled_regions():
    head = small_head()
    proposals = torch.tensor([[23.6667, 23.8757, 228.6326, 153.8874]])
    gt_boxes = [torch.tensor([[23.6667, 23.8757, 238.6326, 151.8874]])]
    labels = [torch.LongTensor([2])]
    assigner = build_assigner(
        dict(type="MaxIoUAssigner", pos_iou_thr=0.5, neg_iou_thr=0.5, min_pos_iou=0.5)
    )
    sampler = build_sampler(dict(type="RandomSampler", num=512, pos_fraction=0.25))
    assigned = assigner.assign(proposals, gt_boxes[0], None, labels[0])
    results = [sampler.sample(assigned, proposals, gt_boxes[0], labels[0])]
    rois = bbox2roi([res.bboxes for res in results])
    pred = head(torch.rand(len(rois), 8, 6, 6))
    masks = [BitmapMasks(np.ones((1, 260, 260), np.uint8), 260, 260)]
    targets = head.get_targets(results, masks, Config(dict(mask_size=12)))
    assert targets.shape == (2, 12, 12)
    loss = head.loss(pred, targets, torch.cat([res.pos_gt_labels for res in results]))
    wanted = F.binary_cross_entropy_with_logits(pred[:, 2], targets.float())
    torch.testing.assert_close(loss["loss_mask"], wanted.reshape(loss["loss_mask"].shape))


def test_no_regions_give_a_zero_loss_with_a_graph():
    head = small_head()
    pred = head(torch.rand(0, 8, 6, 6))
    loss = head.loss(pred, torch.zeros(0, 12, 12), torch.zeros(0, dtype=torch.long))["loss_mask"]
    loss.backward()
    assert loss == 0
    assert all(p.grad is not None for p in head.parameters())


@pytest.mark.parametrize("kind", [None, "deconv", "nearest", "bilinear"])
def test_upsampling(kind):
    head = small_head(upsample_cfg=dict(type=kind, scale_factor=2))
    head.init_weights()
    side = 6 if kind is None else 12
    assert head(torch.rand(2, 8, 6, 6)).shape == (2, 8, side, side)
    with pytest.raises(ValueError, match="upsample_cfg"):
        small_head(upsample_cfg=dict(type="cubic"))


def oracle(mask, box, img_h, img_w):
    """Samples a mask (h, w) at the centre of every pixel, one at a time, in double."""
    height, width = mask.shape
    padded = np.pad(mask.astype(np.float64), 1)
    out = np.zeros((img_h, img_w))
    x1, y1, x2, y2 = box
    for y in range(img_h):
        for x in range(img_w):
            u = (x + 0.5 - x1) / (x2 - x1) * width - 0.5 + 1
            v = (y + 0.5 - y1) / (y2 - y1) * height - 0.5 + 1
            i, j = int(np.floor(v)), int(np.floor(u))
            if not (0 <= i <= height and 0 <= j <= width):
                continue
            a, b = v - i, u - j
            out[y, x] = (
                padded[i, j] * (1 - a) * (1 - b)
                + padded[i, j + 1] * (1 - a) * b
                + padded[i + 1, j] * a * (1 - b)
                + padded[i + 1, j + 1] * a * b
            )
    return out


BOXES = torch.tensor(
    [[3.2, 4.7, 20.9, 15.1], [-5.0, -3.0, 9.0, 40.0], [25.0, 10.0, 60.0, 50.0], [1, 2, 1.5, 2.5]]
)


def test_pasting_against_a_loop_over_pixels():
    rng = np.random.default_rng(0)
    masks = rng.random((4, 7, 7)).astype(np.float32)
    pasted = paste_masks(torch.from_numpy(masks)[:, None], BOXES, 24, 32, threshold=0.5)
    for mask, box, found in zip(masks, BOXES.tolist(), pasted, strict=True):
        wanted = oracle(mask, box, 24, 32)
        sure = abs(wanted - 0.5) > 1e-5
        assert found.dtype == bool
        np.testing.assert_array_equal(found[sure], (wanted >= 0.5)[sure])


def test_pasting_all_at_once_equals_one_by_one():
    # One by one leaves out what is more than a pixel beyond a box, where no mask reaches 0.5.
    masks = torch.rand(4, 1, 7, 7)
    whole, place = paste_module._do_paste_mask(masks, BOXES, 24, 32, skip_empty=False)
    assert place == ()
    for i in range(4):
        part, place = paste_module._do_paste_mask(masks[i : i + 1], BOXES[i : i + 1], 24, 32)
        canvas = torch.zeros(24, 32)
        canvas[place] = part[0]
        torch.testing.assert_close(part[0], whole[i][place], rtol=1e-5, atol=1e-5)
        assert torch.equal(canvas >= 0.5, whole[i] >= 0.5)


def test_a_box_outside_the_image_or_without_extent():
    boxes = torch.tensor([[100.0, 100.0, 120.0, 130.0], [5.0, 5.0, 5.0, 5.0]])
    pasted = paste_masks(torch.ones(2, 1, 4, 4), boxes, 24, 32, 0.5)
    assert [mask.sum() for mask in pasted] == [0, 0] or pasted[1].shape == (24, 32)
    assert pasted[0].sum() == 0


def test_masks_by_class_and_scale():
    head = small_head(num_classes=3)
    logits = torch.full((2, 3, 4, 4), -9.0)
    logits[0, 2], logits[1, 0] = 9.0, 9.0
    boxes = torch.tensor([[4.0, 4.0, 12.0, 12.0, 0.9], [0.0, 0.0, 20.0, 8.0, 0.8]])
    labels = torch.tensor([2, 0])
    cfg = Config(dict(mask_thr_binary=0.5))
    place = ((20, 30), np.full(4, 2.0, np.float32))
    halved = head.get_seg_masks(logits, boxes, labels, cfg, *place, rescale=True)
    assert [len(masks) for masks in halved] == [1, 0, 1]
    assert halved[2][0].shape == (20, 30)
    assert halved[2][0][2:6, 2:6].all()
    assert halved[2][0].sum() == 16
    assert halved[0][0].sum() == 40
    full = head.get_seg_masks(logits, boxes, labels, cfg, *place, rescale=False)
    assert full[2][0].shape == (40, 60)
    assert full[2][0].sum() == 64
    shades = head.get_seg_masks(
        logits.sigmoid().numpy(), boxes, labels, Config(dict(mask_thr_binary=-1)), *place, True
    )
    assert shades[2][0].dtype == np.uint8
    assert shades[2][0].max() >= 254


def test_features_flow_between_the_mask_heads_of_a_cascade():
    head = HTCMaskHead(num_convs=1, roi_feat_size=6, in_channels=8, conv_out_channels=8)
    x = torch.rand(2, 8, 6, 6)
    logits, feats = head(x)
    assert logits.shape == (2, 80, 12, 12)
    assert feats.shape == (2, 8, 6, 6)
    torch.testing.assert_close(head(x, return_feat=False), logits)
    torch.testing.assert_close(head(x, return_logits=False), feats)
    again, _ = head(x, feats)
    wanted = head.convs[0](x + head.conv_res(feats))
    torch.testing.assert_close(again, head.conv_logits(head.upsample(wanted).relu()))


def test_semantic_branch():
    head = FusedSemanticHead(
        3, 1, num_convs=1, in_channels=4, conv_out_channels=4, num_classes=5, loss_weight=0.5
    )
    head.init_weights()
    feats = [torch.rand(1, 4, 16 // 2**i, 16 // 2**i) for i in range(3)]
    logits, embedded = head(feats)
    assert logits.shape == (1, 5, 8, 8)
    assert embedded.shape == (1, 4, 8, 8)
    labels = torch.randint(0, 5, (1, 1, 8, 8))
    wanted = 0.5 * F.cross_entropy(logits, labels[:, 0])
    torch.testing.assert_close(head.loss(logits, labels), wanted)
