import numpy as np
import pytest
import torch
from torchvision.ops import sigmoid_focal_loss

from mmcv.registry import ConfigError
from mmseg.models import build_loss
from mmseg.models.losses.focal_loss import FocalLoss

IGNORE = 255


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))


def one_hot(target, num_classes=3):
    classes = torch.arange(num_classes).view(1, -1, 1, 1)
    return (target.unsqueeze(1) == classes).float()


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.5, 3.5)])
def test_focal_equals_torchvision(batch, reduction, alpha, gamma):
    pred, target = batch
    loss = FocalLoss(alpha=alpha, gamma=gamma, reduction=reduction, loss_weight=2.0)(pred, target)
    expected = 2 * sigmoid_focal_loss(pred, one_hot(target), alpha, gamma, reduction)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        FocalLoss(alpha=alpha, gamma=gamma, reduction=reduction)(pred, one_hot(target)),
        expected / 2,
    )


def test_alpha_and_class_weight_by_class(batch):
    pred, target = batch
    alpha, weight = [0.2, 0.5, 0.9], [1.0, 2.0, 0.5]
    loss = FocalLoss(alpha=alpha, class_weight=weight, reduction="none")(pred, target)
    for c in range(3):
        expected = weight[c] * sigmoid_focal_loss(
            pred[:, c], one_hot(target)[:, c], alpha[c], 2.0, "none"
        )
        torch.testing.assert_close(loss[:, c], expected)


def test_ignored_pixels_have_no_loss_but_are_averaged_over(batch):
    pred, target = batch
    ignored = target.clone()
    ignored[0, :2] = IGNORE
    each = FocalLoss(reduction="none")(pred, ignored, ignore_index=IGNORE)
    assert (each[0, :, :2] == 0).all()
    rest = FocalLoss(reduction="none")(pred, target)
    torch.testing.assert_close(each[:, :, 2:], rest[:, :, 2:])
    torch.testing.assert_close(
        FocalLoss()(pred, ignored, ignore_index=IGNORE), each.sum() / pred.numel()
    )


def test_weights_of_pixels(batch):
    pred, target = batch
    weight = torch.rand(target.shape)
    each = FocalLoss(reduction="none")(pred, target)
    expected = np.sum((each * weight.unsqueeze(1)).numpy()) / pred.numel()
    for form in (weight, weight.reshape(-1)):
        assert FocalLoss()(pred, target, weight=form).item() == pytest.approx(expected, rel=1e-5)


def test_avg_factor_and_reduction_override(batch):
    pred, target = batch
    loss = FocalLoss(reduction="sum")
    torch.testing.assert_close(
        loss(pred, target, reduction_override="none").sum(), loss(pred, target)
    )
    torch.testing.assert_close(
        loss(pred, target, reduction_override="mean", avg_factor=4), loss(pred, target) / 4
    )
    with pytest.raises(AssertionError):
        loss(pred, target, reduction_override=True)


def test_shapes_that_do_not_match_are_refused(batch):
    pred, target = batch
    for wrong in (target[:1], target[:, :3], one_hot(target)[..., :3]):
        with pytest.raises(AssertionError):
            FocalLoss()(pred, wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        dict(use_sigmoid=False),
        dict(reduction="wrong"),
        dict(alpha=1),
        dict(gamma="1"),
        dict(loss_weight=1),
        dict(loss_name=123),
        dict(class_weight=1.0),
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_bad_arguments_name_the_key(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        build_loss(dict(type="FocalLoss", **wrong))
