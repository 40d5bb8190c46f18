import math

import numpy as np
import pytest
import torch

from mmcv.registry import ConfigError
from mmseg.models import build_loss
from mmseg.models.losses.dice_loss import DiceLoss


def dice_loop(pred, target, smooth, exponent, class_weight):
    """Loss by plain loops in double; ignored pixels count in the denominator only, as in 1.x."""
    batch, num_classes, height, width = pred.shape
    total = 0.0
    for c in range(num_classes):
        losses = []
        for b in range(batch):
            overlap, size = 0.0, 0.0
            for y, x in np.ndindex(height, width):
                scores = [math.exp(v) for v in pred[b, :, y, x].double().tolist()]
                prob = scores[c] / sum(scores)
                label = int(target[b, y, x])
                truth = float(min(max(label, 0), num_classes - 1) == c)
                overlap += prob * truth * (label != 255)
                size += prob**exponent + truth**exponent
            losses.append(1 - (2 * overlap + smooth) / (size + smooth))
        total += sum(losses) / batch * (class_weight[c] if class_weight else 1)
    return total / num_classes


@pytest.mark.parametrize("class_weight", [None, [1.0, 2.0, 3.0]])
@pytest.mark.parametrize(("smooth", "exponent"), [(1, 2), (0.5, 3)])
def test_dice_equals_a_loop(class_weight, smooth, exponent):
    torch.manual_seed(0)
    pred, target = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    target[0, 0, :2] = 255
    loss = build_loss(
        dict(
            type="DiceLoss",
            smooth=smooth,
            exponent=exponent,
            class_weight=class_weight,
            loss_weight=0.5,
        )
    )(pred, target, weight=None, ignore_index=255)
    expected = 0.5 * dice_loop(pred, target, smooth, exponent, class_weight)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_perfect_prediction_has_no_loss():
    target = torch.randint(0, 3, (1, 8, 8))
    pred = 100.0 * torch.nn.functional.one_hot(target, 3).movedim(-1, 1).float()
    assert DiceLoss()(pred, target).item() == pytest.approx(0, abs=1e-5)


def test_ignored_class_is_left_out():
    torch.manual_seed(0)
    pred, target = torch.randn(1, 3, 4, 4), torch.randint(0, 3, (1, 4, 4))
    all_classes = DiceLoss(ignore_index=255)(pred, target)
    assert DiceLoss(ignore_index=1)(pred, target) < all_classes


def test_options_of_other_dice_losses_are_refused():
    with pytest.raises(ConfigError, match="use_sigmoid"):
        build_loss(dict(type="DiceLoss", use_sigmoid=True, activate=True))


def test_name_in_the_log():
    assert DiceLoss().loss_name == "loss_dice"
