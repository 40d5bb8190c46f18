"""RetinaNet, FCOS, ATSS and GFL: targets against loops, losses, detections."""

import math

import pytest
import torch

from mmdet.models import build_head
from mmdet.models.dense_heads import ATSSHead, FCOSHead
from mmdet.models.dense_heads.gfl_head import Integral

CLASSES, CHANNELS, SIZE = 4, 8, 64
META = dict(img_shape=(SIZE, SIZE, 3), pad_shape=(SIZE, SIZE, 3), scale_factor=2.0, flip=False)
STRIDES = [8, 16, 32]
TEST = dict(
    nms_pre=100, min_bbox_size=0, score_thr=0.3, nms=dict(type="nms", iou_threshold=0.6),
    max_per_img=10,
)  # fmt: skip
SQUARE = dict(
    type="AnchorGenerator", ratios=[1.0], octave_base_scale=4, scales_per_octave=1, strides=STRIDES
)
SHARED = dict(num_classes=CLASSES, in_channels=CHANNELS, feat_channels=CHANNELS, stacked_convs=1)
GN = dict(type="GN", num_groups=2, requires_grad=True)
GIOU = dict(type="GIoULoss", loss_weight=2.0)
FOCAL = dict(type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0)
TRAIN = dict(assigner=dict(type="ATSSAssigner", topk=9), allowed_border=-1, pos_weight=-1)
MAX_IOU = dict(
    type="MaxIoUAssigner", pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0, ignore_iof_thr=-1
)
STDS = dict(type="DeltaXYWHBBoxCoder", target_means=[0.0] * 4, target_stds=[0.1, 0.1, 0.2, 0.2])
HEADS = dict(
    retina=dict(
        type="RetinaHead",
        anchor_generator={**SQUARE, "scales_per_octave": 2},
        bbox_coder={**STDS, "target_stds": [1.0] * 4},
        loss_cls=FOCAL,
        loss_bbox=dict(type="L1Loss", loss_weight=1.0),
        train_cfg={**TRAIN, "assigner": MAX_IOU},
    ),
    fcos=dict(
        type="FCOSHead",
        strides=STRIDES,
        regress_ranges=((-1, 16), (16, 32), (32, 1e8)),
        norm_cfg=GN,
    ),
    fcos_tricks=dict(
        type="FCOSHead",
        strides=STRIDES,
        regress_ranges=((-1, 16), (16, 32), (32, 1e8)),
        norm_cfg=GN,
        center_sampling=True,
        norm_on_bbox=True,
        centerness_on_reg=True,
        conv_bias=True,
        loss_bbox=dict(type="GIoULoss", loss_weight=1.0),
    ),
    atss=dict(
        type="ATSSHead",
        anchor_generator=SQUARE,
        bbox_coder=STDS,
        loss_cls=FOCAL,
        loss_bbox=GIOU,
        norm_cfg=GN,
        train_cfg=TRAIN,
    ),
    gfl=dict(
        type="GFLHead",
        anchor_generator=SQUARE,
        loss_cls=dict(type="QualityFocalLoss", use_sigmoid=True, beta=2.0, loss_weight=1.0),
        loss_bbox=GIOU,
        reg_max=8,
        norm_cfg=GN,
        train_cfg=TRAIN,
    ),
)


def make(name):
    head = build_head({**SHARED, "test_cfg": TEST, **HEADS[name]})
    head.init_weights()
    return head


def pyramid(batch=1):
    torch.manual_seed(1)
    return [torch.randn(batch, CHANNELS, SIZE // s, SIZE // s) for s in STRIDES]


def total(losses, kind=""):
    values = []
    for name, value in losses.items():
        if kind in name:
            values += value if isinstance(value, list) else [value]
    return sum(values)


@pytest.mark.parametrize("name", HEADS)
def test_no_objects_train_only_the_background(name):
    head = make(name)
    outs = head(pyramid())
    losses = head.loss(*outs, [torch.empty(0, 4)], [torch.empty(0).long()], [META])
    assert total(losses, "loss_cls") > 0
    for kind in ("bbox", "centerness", "dfl"):
        assert total(losses, f"loss_{kind}") == 0
    total(losses).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", HEADS)
def test_objects_are_learnt_in_any_dtype(name, dtype):
    head = make(name).to(dtype)
    boxes = [torch.tensor([[3.0, 5.0, 29.0, 33.0], [20.0, 10.0, 60.0, 62.0]]), torch.empty(0, 4)]
    labels = [torch.tensor([1, 3]), torch.empty(0).long()]
    losses = head.forward_train(pyramid(2), [META] * 2, boxes, labels)
    assert total(losses).dtype == torch.float32
    for value in losses.values():
        assert sum(value) > 0 if isinstance(value, list) else value > 0
    total(losses).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())
    head.eval()
    head.test_cfg.score_thr = 0.0
    (dets, found), _ = head.simple_test(pyramid(2), [META] * 2, rescale=True)
    assert dets.shape == (10, 5) and found.shape == (10,) and dets[:, :4].max() <= SIZE / 2


@pytest.mark.parametrize("name", HEADS)
def test_builds_on_meta(name):
    with torch.device("meta"):
        head = make(name)
    assert all(p.is_meta for p in head.parameters())


def test_keys():
    retina = make("retina").state_dict()
    assert {k.rpartition(".")[0] for k in retina} == {
        "cls_convs.0.conv", "reg_convs.0.conv", "retina_cls", "retina_reg",
    }  # fmt: skip
    assert retina["retina_cls.weight"].shape == (2 * CLASSES, CHANNELS, 3, 3)
    assert {"atss_centerness.weight", "scales.2.scale"} < make("atss").state_dict().keys()
    assert {"gfl_reg.bias", "integral.project"} < make("gfl").state_dict().keys()
    fcos = make("fcos")
    state = fcos.state_dict()
    old = {key.replace("conv_cls", "fcos_cls").replace("conv_reg", "fcos_reg"): value
           for key, value in state.items()}  # fmt: skip
    fcos.load_state_dict(old)
    assert make("retina").retina_cls.bias[0].item() == pytest.approx(-math.log(99))


@pytest.mark.parametrize("name", ["fcos", "fcos_tricks"])
def test_fcos_targets(name):
    head = make(name)
    boxes = torch.tensor([[2.0, 2.0, 40.0, 50.0], [10.0, 10.0, 30.0, 26.0], [0.0, 0.0, 64.0, 64.0]])
    labels = torch.tensor([2, 0, 3])
    sizes = [(SIZE // s, SIZE // s) for s in STRIDES]
    points = head.prior_generator.grid_priors(sizes, device="cpu")
    got_labels, got_targets = head.get_targets(points, [boxes, boxes[:1]], [labels, labels[:1]])
    for level, stride in enumerate(STRIDES):
        low, high = head.regress_ranges[level]
        count = len(points[level])
        for image, number in enumerate((3, 1)):
            for index, (x, y) in enumerate(points[level].tolist()):
                best, owner = math.inf, None
                for k, (x1, y1, x2, y2) in enumerate(boxes[:number].tolist()):
                    sides = [x - x1, y - y1, x2 - x, y2 - y]
                    inside = min(sides) > 0
                    if head.center_sampling:
                        cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
                        inside = inside and max(abs(x - cx), abs(y - cy)) < 1.5 * stride
                    area = (x2 - x1) * (y2 - y1)
                    if inside and low <= max(sides) <= high and area < best:
                        best, owner = area, (k, sides)
                place = image * count + index
                if owner is None:
                    assert got_labels[level][place] == CLASSES
                    continue
                assert got_labels[level][place] == labels[owner[0]]
                scale = stride if head.norm_on_bbox else 1
                expected = torch.tensor(owner[1]) / scale
                torch.testing.assert_close(got_targets[level][place], expected)


def test_centerness():
    sides = torch.tensor([[2.0, 3.0, 4.0, 1.0]])
    assert FCOSHead.centerness_target(sides).item() == pytest.approx(math.sqrt(2 / 4 * 1 / 3))
    anchors = torch.tensor([[0.0, 0.0, 8.0, 8.0]])
    box = torch.tensor([[2.0, 1.0, 8.0, 5.0]])
    got = ATSSHead.centerness_target(anchors, box).item()
    assert got == pytest.approx(math.sqrt(2 / 4 * 1 / 3))


def test_integral_is_the_mean_distance():
    logits = torch.randn(5, 4 * 9)
    expected = (logits.view(5, 4, 9).softmax(-1) * torch.arange(9)).sum(-1)
    torch.testing.assert_close(Integral(8)(logits), expected)


@pytest.mark.parametrize("name", HEADS)
def test_perfect_maps_give_the_objects_back(name):
    """Maps that hold the targets have no loss of boxes, and decode to the objects."""
    head = make(name)
    head.train()
    box, label = torch.tensor([[9.0, 11.0, 43.0, 41.0]]), torch.tensor([2])
    outs = [list(x) for x in head(pyramid())]
    sizes = [x.shape[-2:] for x in outs[0]]
    priors = head.prior_generator.grid_priors(sizes, device="cpu")
    repeats = outs[0][0].shape[1] // CLASSES
    for level, (height, width) in enumerate(sizes):
        stride = STRIDES[level]
        at = priors[level]
        goal = box.expand(len(at), 4)
        if name.startswith("fcos"):
            values = head.bbox_coder.encode(at, goal).clamp(min=0.01)
            values = values / stride if head.norm_on_bbox else values
        elif name == "gfl":
            distance = head.bbox_coder.encode(head.anchor_center(at) / stride, goal / stride)
            steps = torch.arange(9)
            # Two neighbours share the probability: their mean is the distance.
            share = (1 - (distance.clamp(0, 7.9)[..., None] - steps).abs()).clamp(min=1e-9)
            values = share.log()
        else:
            values = head.bbox_coder.encode(at, goal)
        maps = values.reshape(height, width, -1).permute(2, 0, 1)[None]
        outs[1][level] = maps.detach().requires_grad_()
        outs[0][level] = torch.full((1, repeats * CLASSES, height, width), -20.0)
    losses = head.loss(*outs, [box], [label], [META])
    assert total(losses, "loss_bbox").item() == pytest.approx(0, abs=2e-3)

    cell = (0, slice(None), 3, 3)  # the point 28, 28 of the finest level lies inside
    outs[0][0][cell] = torch.tensor([-20.0, -20.0, 20.0, -20.0]).repeat(repeats)
    if len(outs) == 3:
        outs[2] = [torch.full_like(x, 20.0) for x in outs[2]]
    if name == "fcos_tricks":  # in evaluation the maps are in pixels
        outs[1] = [x * s for x, s in zip(outs[1], STRIDES, strict=True)]
    dets, labels = head.get_bboxes(*outs, img_metas=[META], rescale=True)[0]
    assert labels.tolist() == [2]
    torch.testing.assert_close(dets[0, :4], box[0] / 2, atol=2e-2, rtol=0)


def test_image_without_anchors_has_no_loss():
    for name in ("atss", "gfl"):
        head = make(name)
        meta = {**META, "pad_shape": (0, 0, 3)}
        losses = head.loss(*head(pyramid()), [torch.empty(0, 4)], [torch.empty(0).long()], [meta])
        assert total(losses) == 0
        total(losses).backward()
