"""The operator facades against loops, closed forms and torch."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcv import ops


def boxes_of(seed, count):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 20, (count, 2))
    return torch.tensor(np.hstack([corner, corner + rng.uniform(1, 12, (count, 2))])).float()


def iou(a, b, offset=0):
    w = min(a[2], b[2]) - max(a[0], b[0]) + offset
    h = min(a[3], b[3]) - max(a[1], b[1]) + offset
    inter = max(w, 0) * max(h, 0)
    area = [(x[2] - x[0] + offset) * (x[3] - x[1] + offset) for x in (a, b)]
    return inter / (sum(area) - inter)


def loop_nms(boxes, scores, threshold, offset):
    rest, keep = sorted(range(len(scores)), key=lambda i: -scores[i]), []
    while rest:
        best = rest.pop(0)
        keep.append(best)
        rest = [i for i in rest if iou(boxes[best], boxes[i], offset) <= threshold]
    return keep


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 999), st.integers(1, 12), st.sampled_from([0, 1]))
def test_nms_equals_loops(seed, count, offset):
    boxes = boxes_of(seed, count)
    scores = torch.rand(count, generator=torch.Generator().manual_seed(seed))
    dets, keep = ops.nms(boxes, scores, 0.4, offset=offset)
    assert keep.tolist() == loop_nms(boxes.tolist(), scores.tolist(), 0.4, offset)
    assert torch.equal(dets, torch.cat([boxes[keep], scores[keep, None]], 1))


def test_nms_on_arrays_with_threshold_and_limit():
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 5], [10, 10, 12, 12], [20, 20, 22, 22]], np.float32)
    scores = np.array([0.9, 0.8, 0.3, 0.7], np.float32)
    dets, keep = ops.nms(boxes, scores, 0.5, score_threshold=0.5)
    assert isinstance(dets, np.ndarray) and keep.tolist() == [0, 3]
    assert ops.nms(boxes, scores, 0.5, max_num=1)[1].tolist() == [0]


@pytest.mark.parametrize("method", ["naive", "linear", "gaussian"])
def test_soft_nms_lowers_scores_as_the_paper_says(method):
    boxes, scores = boxes_of(3, 8), torch.linspace(0.9, 0.2, 8)
    dets, keep = ops.soft_nms(boxes, scores, 0.3, 0.5, 1e-3, method)
    left, expected = dict(enumerate(scores.tolist())), []
    while left:
        best = max(left, key=lambda i: left[i])
        expected.append((best, left.pop(best)))
        for i in list(left):
            overlap = iou(boxes[best].tolist(), boxes[i].tolist())
            if method == "gaussian":
                left[i] *= np.exp(-(overlap**2) / 0.5)
            elif overlap >= 0.3:
                left[i] *= 0 if method == "naive" else 1 - overlap
            if left[i] < 1e-3:
                del left[i]
    assert keep.tolist() == [i for i, _ in expected]
    assert torch.allclose(dets[:, 4], torch.tensor([float(s) for _, s in expected]), atol=1e-5)


@pytest.mark.parametrize("split_thr", [10000, 1])
def test_batched_nms_suppresses_within_classes_only(split_thr):
    boxes = torch.tensor([[0, 0, 4, 4], [0, 0, 4, 4.2], [0, 0, 4, 4.1]])
    scores, classes = torch.tensor([0.5, 0.9, 0.7]), torch.tensor([0, 0, 1])
    cfg = dict(type="nms", iou_threshold=0.5, split_thr=split_thr)
    dets, keep = ops.batched_nms(boxes, scores, classes, cfg)
    assert keep.tolist() == [1, 2] and torch.equal(dets[:, :4], boxes[[1, 2]])
    assert ops.batched_nms(boxes, scores, classes, cfg, class_agnostic=True)[1].tolist() == [1]
    assert ops.batched_nms(boxes, scores, classes, None)[1].tolist() == [1, 2, 0]


def test_nms_match_groups_what_a_box_suppresses():
    dets = torch.tensor([[0, 0, 4, 4, 0.5], [0, 0, 4, 4, 0.9], [9, 9, 12, 12, 0.7]])
    assert [g.tolist() for g in ops.nms_match(dets, 0.5)] == [[1, 0], [2]]


def test_roi_align_of_a_whole_pixel_grid_is_the_map():
    feature = torch.randn(1, 2, 4, 4)
    rois = torch.tensor([[0.0, 0, 0, 4, 4]])
    assert torch.allclose(ops.RoIAlign(4, 1.0, 1)(feature, rois), feature, atol=1e-6)
    assert torch.equal(ops.RoIPool(1, 1.0)(feature, rois)[0, :, 0, 0], feature.amax((0, 2, 3)))
    with pytest.raises(NotImplementedError, match="max"):
        ops.roi_align(feature, rois, 2, pool_mode="max")


def test_deform_conv_without_offsets_is_a_convolution():
    x = torch.randn(2, 4, 6, 5)
    pack = ops.DeformConv2dPack(4, 6, 3, padding=1, groups=2)
    assert torch.allclose(pack(x), F.conv2d(x, pack.weight, padding=1, groups=2), atol=1e-5)
    modulated = ops.ModulatedDeformConv2dPack(4, 6, 3, stride=2)
    torch.nn.init.normal_(modulated.bias)
    expected = F.conv2d(x, modulated.weight / 2, modulated.bias, stride=2)  # sigmoid(0) = 1/2
    assert torch.allclose(modulated(x), expected, atol=1e-5)
    small = ops.DeformConv2d(1, 1, 3)
    assert small(torch.randn(1, 1, 2, 2), torch.zeros(1, 18, 0, 0)).shape == (1, 1, 0, 0)


def test_sigmoid_focal_loss_equals_loops():
    logits, target = torch.randn(5, 3), torch.tensor([0, 2, 3, 1, 0])
    weight = torch.tensor([1.0, 2.0, 0.5])
    expected = torch.zeros(5, 3)
    for n in range(5):
        for c in range(3):
            p = torch.sigmoid(logits[n, c])
            p, a = (p, 0.25) if target[n] == c else (1 - p, 0.75)
            factor = weight[target[n]] if target[n] < 3 else 1
            expected[n, c] = -a * (1 - p) ** 2 * torch.log(p) * factor
    got = ops.sigmoid_focal_loss(logits, target, weight=weight, reduction="none")
    assert torch.allclose(got, expected, atol=1e-5)
    mean = ops.SigmoidFocalLoss(2.0, 0.25, weight)(logits, target)
    assert torch.allclose(mean, expected.sum() / 5, atol=1e-5)


def test_softmax_focal_loss_equals_loops():
    logits, target = torch.randn(4, 3), torch.tensor([0, 2, 1, 1])
    p = logits.softmax(1)[range(4), target]
    expected = (-0.25 * (1 - p) ** 2 * p.log()).sum()
    got = ops.softmax_focal_loss(logits, target, reduction="sum")
    assert torch.allclose(got, expected, atol=1e-6)


def test_point_sample_reads_pixel_centres():
    feature = torch.arange(12.0).view(1, 1, 3, 4)
    points = torch.tensor([[[0.5 / 4, 0.5 / 3], [3.5 / 4, 2.5 / 3]]])
    assert torch.allclose(
        ops.point_sample(feature, points), torch.tensor([[[0.0, 11.0]]]), atol=1e-5
    )


def test_simple_roi_align_samples_bin_centres():
    feature = torch.arange(16.0).view(1, 1, 4, 4)
    out = ops.SimpleRoIAlign(2, 1.0)(feature, torch.tensor([[0.0, 0, 0, 4, 4]]))
    assert torch.allclose(out[0, 0], F.avg_pool2d(feature, 2)[0, 0], atol=1e-5)
    points = ops.rel_roi_point_to_rel_img_point(
        torch.tensor([[0.0, 1, 1, 3, 5]]), torch.tensor([[[0.5, 0.25]]]), (8, 4)
    )
    assert torch.allclose(points, torch.tensor([[[2 / 4, 2 / 8]]]))


@pytest.mark.parametrize("batch_first", [False, True])
def test_deformable_attention_module_adds_the_shortcut(batch_first):
    torch.manual_seed(0)
    module = ops.MultiScaleDeformableAttention(
        8, 2, num_levels=1, num_points=2, dropout=0.0, batch_first=batch_first
    )
    torch.nn.init.zeros_(module.output_proj.weight)
    query, value = torch.randn(3, 1, 8), torch.randn(4, 1, 8)
    if batch_first:
        query, value = query.transpose(0, 1), value.transpose(0, 1)
    out = module(
        query,
        value=value,
        reference_points=torch.rand(1, 3, 1, 2),
        spatial_shapes=torch.tensor([[2, 2]]),
    )
    assert torch.equal(out, query)


def test_operators_out_of_scope_say_so():
    with pytest.raises(ImportError, match="nms_rotated is not available"):
        from mmcv.ops import nms_rotated  # noqa: F401
