import math

import pytest
import torch
from torch.nn import functional as F
from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss
from torchvision.ops import sigmoid_focal_loss as torchvision_focal_loss

from mmdet.boxes.demodata import random_boxes
from mmdet.models import losses
from mmdet.models.builder import build_loss

BOX_LOSSES = [losses.IoULoss, losses.GIoULoss, losses.DIoULoss, losses.CIoULoss,
              losses.BoundedIoULoss]  # fmt: skip
POINT_LOSSES = [losses.MSELoss, losses.L1Loss, losses.SmoothL1Loss, losses.BalancedL1Loss]
REGRESSION = pytest.mark.parametrize("kind", [*BOX_LOSSES, *POINT_LOSSES])
PRED, TARGET = random_boxes(10, 50, rng=0) + 1, random_boxes(10, 50, rng=1) + 1
TARGET[:3] = PRED[:3] + 2
LOGITS = torch.randn(12, 5, generator=torch.manual_seed(0))
LABELS = torch.randint(0, 6, (12,), generator=torch.manual_seed(1))  # 5 is background


@REGRESSION
@pytest.mark.parametrize("number", [10, 0])
def test_regression_losses_weigh_and_reduce(kind, number):
    pred, target, loss = PRED[:number], TARGET[:number], kind()
    weight = torch.rand(number, 4)
    single = loss(pred, target, reduction_override="none")
    assert single.numel() == 0 or single.dim() == 0 or len(single) == number
    assert (single >= 0).all()
    per_box = weight.mean(-1) if single.dim() == 1 else weight
    weighted = single * per_box
    assert torch.allclose(loss(pred, target, weight, reduction_override="none"), weighted)
    assert torch.allclose(loss(pred, target, reduction_override="sum"), single.sum())
    mean = single.mean() if number else torch.tensor(0.0)
    assert torch.allclose(loss(pred, target), mean)
    assert torch.allclose(loss(pred, target, weight, avg_factor=10), weighted.sum() / 10)
    assert torch.allclose(kind(loss_weight=2.0)(pred, target), 2 * mean)
    with pytest.raises(ValueError, match="avg_factor"):
        loss(pred, target, avg_factor=10, reduction_override="sum")
    with pytest.raises(AssertionError, match="reduction_override"):
        loss(pred, target, reduction_override=True)


@REGRESSION
def test_weights_of_0_give_0_and_a_gradient_of_0(kind):
    pred = PRED.clone().requires_grad_()
    loss = kind()(pred, TARGET, torch.zeros(10, 4))
    loss.backward()
    assert loss == 0 and not pred.grad.any()


@REGRESSION
def test_half_precision_is_computed_in_float32(kind):
    assert kind()(PRED.bfloat16(), TARGET.bfloat16()).dtype == torch.float32


def test_overlap_losses_equal_torchvision():
    none = {"reduction_override": "none"}
    for kind, oracle in (
        (losses.GIoULoss, generalized_box_iou_loss),
        (losses.DIoULoss, distance_box_iou_loss),
    ):
        assert torch.allclose(kind()(PRED, TARGET, **none), oracle(PRED, TARGET), atol=1e-4)
    # Ours gives shapes no weight below an IoU of 0.5, as the authors of the loss do.
    near = PRED[:3]
    pairs = near, near + torch.tensor([0.5, 0, 0.5, 1.0])
    assert torch.allclose(
        losses.CIoULoss()(*pairs, **none), complete_box_iou_loss(*pairs), atol=1e-4
    )


def test_modes_of_the_iou_loss():
    half = torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[0.0, 0, 10, 5]])
    for mode, expected in (("log", math.log(2)), ("linear", 0.5), ("square", 0.75)):
        assert losses.IoULoss(mode=mode)(*half).item() == pytest.approx(expected, rel=1e-4)
    assert losses.IoULoss(linear=True).mode == "linear"
    with pytest.raises(AssertionError, match="mode"):
        losses.IoULoss(mode="cube")


def test_point_losses_equal_torch_and_the_formula():
    assert torch.allclose(losses.L1Loss()(PRED, TARGET), F.l1_loss(PRED, TARGET))
    assert torch.allclose(losses.MSELoss()(PRED, TARGET), F.mse_loss(PRED, TARGET))
    smooth = F.smooth_l1_loss(PRED, TARGET, beta=3.0)
    assert torch.allclose(losses.SmoothL1Loss(beta=3.0)(PRED, TARGET), smooth)
    far = losses.BalancedL1Loss()(torch.tensor([5.0]), torch.tensor([0.0])).item()
    assert far == pytest.approx(1.5 * 5 + 1.5 / (math.e**3 - 1) - 0.5)
    with pytest.raises(AssertionError, match="beta"):
        losses.SmoothL1Loss(beta=0)


@pytest.mark.parametrize("activated", [False, True])
def test_focal_loss_equals_torchvision(activated):
    one_hot = F.one_hot(LABELS, 6)[:, :5].float()
    expected = torchvision_focal_loss(LOGITS, one_hot)
    given = LOGITS.sigmoid() if activated else LOGITS
    loss = losses.FocalLoss(activated=activated)
    assert torch.allclose(loss(given, LABELS, reduction_override="none"), expected, atol=1e-6)
    for weight in (torch.rand(12), torch.rand(12, 5)):
        column = weight.view(12, -1)
        assert torch.allclose(loss(given, LABELS, weight, 7), (expected * column).sum() / 7)
    assert loss(LOGITS[:0], LABELS[:0]) == 0
    with pytest.raises(AssertionError, match="use_sigmoid"):
        losses.FocalLoss(use_sigmoid=False)


def test_quality_focal_loss_equals_a_loop():
    quality, single = torch.rand(12), []
    for logits, label, goal in zip(LOGITS, LABELS, quality, strict=True):
        target = torch.zeros(5)
        if label < 5:
            target[label] = goal
        scale = (target - logits.sigmoid()).abs() ** 2
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        single.append((entropy * scale).sum())
    expected, weight = torch.stack(single), torch.rand(12)
    for activated in (False, True):
        loss = losses.QualityFocalLoss(activated=activated)
        given = LOGITS.sigmoid() if activated else LOGITS
        result = loss(given, (LABELS, quality), weight, avg_factor=4)
        assert torch.allclose(result, (expected * weight).sum() / 4, atol=1e-5)
    empty = losses.QualityFocalLoss()(LOGITS[:0], (LABELS[:0], quality[:0]), avg_factor=1)
    assert empty == 0


def test_distribution_focal_loss_equals_a_loop():
    distance = torch.tensor([0.0, 1.25, 3.5, 3.99])
    expected = [
        -(1 - d % 1) * LOGITS[i].log_softmax(0)[int(d)]
        - d % 1 * LOGITS[i].log_softmax(0)[int(d) + 1]
        for i, d in enumerate(distance.tolist())
    ]
    result = losses.DistributionFocalLoss()(LOGITS[:4], distance, reduction_override="none")
    assert torch.allclose(result, torch.stack(expected), atol=1e-5)


@pytest.mark.parametrize("iou_weighted", [True, False])
def test_varifocal_loss_equals_the_formula(iou_weighted):
    quality = torch.rand(12, 5) * (torch.rand(12, 5) > 0.5)
    p = LOGITS.sigmoid()
    entropy = F.binary_cross_entropy(p, quality, reduction="none")
    positive = quality if iou_weighted else torch.ones_like(quality)
    expected = entropy * torch.where(quality > 0, positive, 0.75 * p**2)
    loss = losses.VarifocalLoss(iou_weighted=iou_weighted)
    assert torch.allclose(loss(LOGITS, quality), expected.mean(), atol=1e-5)
    with pytest.raises(AssertionError, match="alpha"):
        losses.VarifocalLoss(alpha=-1.0)


def test_gaussian_focal_loss_has_two_sides():
    pred = torch.tensor([0.3, 0.3])
    result = losses.GaussianFocalLoss()(pred, torch.tensor([1.0, 0.5]), reduction_override="none")
    expected = [-math.log(0.3) * 0.7**2, -math.log(0.7) * 0.3**2 * 0.5**4]
    assert result.tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("naive", [True, False])
def test_dice_loss(naive):
    masks = (torch.rand(3, 4, 4) > 0.5).float()
    loss = losses.DiceLoss(activate=False, naive_dice=naive)
    assert loss(masks, masks).abs() < 1e-3
    assert (1 - loss(masks, 1 - masks)).abs() < 1e-3
    weighted = loss(masks, 1 - masks, torch.tensor([1.0, 0, 0]), avg_factor=1)
    assert weighted.item() == pytest.approx(1, abs=1e-3)
    assert loss(masks[:0], masks[:0]) == 0
    with pytest.raises(AssertionError):
        loss(masks, masks, torch.ones(3, 4, 4))
    with pytest.raises(NotImplementedError):
        build_loss({"type": "DiceLoss", "use_sigmoid": False})


def test_distillation_is_0_for_the_teacher_itself():
    loss = losses.KnowledgeDistillationKLDivLoss(T=2)
    assert loss(LOGITS, LOGITS).abs() < 1e-6
    expected = F.kl_div(
        F.log_softmax(LOGITS / 2, 1), F.softmax(LOGITS.flip(0) / 2, 1), reduction="none"
    )
    assert torch.allclose(loss(LOGITS, LOGITS.flip(0)), expected.mean() * 4)
    with pytest.raises(AssertionError, match="T must be"):
        losses.KnowledgeDistillationKLDivLoss(T=0.5)


@pytest.mark.parametrize("momentum", [0.0, 0.75])
def test_gradients_are_harmonised(momentum):
    loss = losses.GHMC(bins=10, momentum=momentum)
    target = F.one_hot(LABELS, 6)[:, :5].float()
    result = loss(LOGITS, LABELS, torch.ones(12))
    # A running number of samples starts at 0: weights are 1 / (1 - momentum) higher at first.
    gradient = (LOGITS.sigmoid() - target).abs()
    bins = (gradient * 10).long()
    counts = torch.bincount(bins.view(-1), minlength=10)
    weights = 60 / counts[bins].float() / (counts > 0).sum() / (1 - momentum)
    entropy = F.binary_cross_entropy_with_logits(LOGITS, target, reduction="none")
    assert torch.allclose(result, (entropy * weights).sum() / 60, rtol=1e-4)
    regression = losses.GHMR(momentum=momentum)
    assert regression(PRED, TARGET, torch.ones(10, 4)) > 0
    assert regression(PRED, TARGET, torch.zeros(10, 4)) == 0
    assert loss(LOGITS[:0], LABELS[:0], torch.ones(0)) == 0
