"""The region proposal network against loops."""

import pytest
import torch
from torchvision.ops import nms

from mmcv.config import ConfigDict
from mmdet.models.dense_heads import RPNHead

ANCHORS = dict(type="AnchorGenerator", scales=[2], ratios=[1.0], strides=[8, 16])
META = dict(img_shape=(60, 60, 3), scale_factor=[1.0] * 4)


def make_head(**kwargs):
    cfg = dict(nms_pre=30, max_per_img=20, nms=dict(type="nms", iou_threshold=0.5), min_bbox_size=0)
    cfg.update(kwargs.pop("cfg", {}))
    return RPNHead(
        in_channels=4, feat_channels=4, anchor_generator=ANCHORS, test_cfg=ConfigDict(cfg), **kwargs
    )


def maps():
    torch.manual_seed(0)
    scores = [torch.randn(1, 1, 8, 8), torch.randn(1, 1, 4, 4)]
    deltas = [torch.randn(1, 4, 8, 8) * 0.3, torch.randn(1, 4, 4, 4) * 0.3]
    return scores, deltas


def decode(level, deltas):
    stride = (8, 16)[level]
    boxes = []
    for y in range(64 // stride):
        for x in range(64 // stride):
            dx, dy, dw, dh = deltas[level][0, :, y, x]
            side = 2.0 * stride
            cx, cy = x * stride + dx * side, y * stride + dy * side
            w, h = side * dw.exp(), side * dh.exp()
            boxes.append(torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]))
    return torch.stack(boxes).clamp(0, 60)


@pytest.mark.parametrize("min_size", [0, 12])
def test_levels_are_ranked_and_suppressed_apart(min_size):
    scores, deltas = maps()
    head = make_head(cfg=dict(min_bbox_size=min_size))
    found = head.get_bboxes(scores, deltas, img_metas=[META])[0]
    kept = []
    for level in range(2):
        ranked, order = scores[level].flatten().sigmoid().sort(descending=True)
        boxes = decode(level, deltas)[order[:30]]
        ranked = ranked[:30]
        large = ((boxes[:, 2:] - boxes[:, :2]) > min_size).all(1)
        boxes, ranked = boxes[large], ranked[large]
        keep = nms(boxes, ranked, 0.5)
        kept.append(torch.cat([boxes[keep], ranked[keep, None]], 1))
    wanted = torch.cat(kept)
    wanted = wanted[wanted[:, 4].argsort(descending=True)][:20]
    torch.testing.assert_close(found, wanted)


def test_no_box_is_large_enough():
    head = make_head(cfg=dict(min_bbox_size=1000))
    assert head.get_bboxes(*maps(), img_metas=[META])[0].shape == (0, 5)


def test_softmax_scores():
    loss = dict(type="CrossEntropyLoss", use_sigmoid=False)
    head = make_head(loss_cls=loss)
    assert head.rpn_cls.out_channels == 2
    scores = [torch.randn(1, 2, 8, 8), torch.randn(1, 2, 4, 4)]
    found = head.get_bboxes(scores, maps()[1], img_metas=[META])[0]
    best = max(s.softmax(1)[:, 0].max() for s in scores)
    assert found[0, 4] == best


def test_hidden_convolutions():
    assert isinstance(make_head().rpn_conv, torch.nn.Conv2d)
    head = make_head(num_convs=2)
    assert {"rpn_conv.0.conv.weight", "rpn_conv.1.conv.bias"} <= set(head.state_dict())
    scores, deltas = head([torch.rand(2, 4, 8, 8), torch.rand(2, 4, 4, 4)])
    assert scores[1].shape == (2, 1, 4, 4)
    assert deltas[0].shape == (2, 4, 8, 8)


def test_views_are_merged_in_pixels_of_the_original():
    head = make_head().eval()
    head.test_cfg.max_per_img = 1000
    feats = [torch.rand(1, 4, 8, 8), torch.rand(1, 4, 4, 4)]
    meta = dict(META, scale_factor=torch.full((4,), 2.0).numpy(), flip=False, flip_direction=None)
    with torch.no_grad():
        one = head.simple_test_rpn(feats, [meta])[0]
        both = head.aug_test_rpn([feats, feats], [[meta], [meta]])[0]
    assert both[:, :4].max() <= 30
    keep = nms(one[:, :4], one[:, 4], 0.5)
    torch.testing.assert_close(both[0, :4], one[keep[0], :4] / 2)
