import math

import numpy as np
import pytest
import torch

from mmcv.registry import ConfigError
from mmseg.models import build_loss
from mmseg.models.losses.cross_entropy_loss import CrossEntropyLoss, _expand_onehot_labels

IGNORE = 255


@pytest.fixture
def batch():
    torch.manual_seed(0)
    pred, label = torch.randn(2, 4, 3, 5), torch.randint(0, 4, (2, 3, 5))
    label[0, 0, :3] = IGNORE
    return pred, label


def softmax_loop(pred, label, class_weight, pixel_weight):
    """Loss of each pixel, one at a time, in double."""
    loss = np.zeros(label.shape)
    for b, y, x in np.ndindex(*label.shape):
        c = int(label[b, y, x])
        if c == IGNORE:
            continue
        scores = [math.exp(v) for v in pred[b, :, y, x].double().tolist()]
        loss[b, y, x] = -math.log(scores[c] / sum(scores)) * class_weight[c]
        loss[b, y, x] *= float(pixel_weight[b, y, x])
    return loss


@pytest.mark.parametrize("avg_non_ignore", [False, True])
@pytest.mark.parametrize("class_weight", [None, [0.5, 1.0, 2.0, 4.0]])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_softmax_equals_a_loop(batch, avg_non_ignore, class_weight, weighted, reduction):
    pred, label = batch
    weight = torch.rand(label.shape) if weighted else None
    loss = CrossEntropyLoss(
        class_weight=class_weight,
        reduction=reduction,
        avg_non_ignore=avg_non_ignore,
        loss_weight=0.4,
    )(pred, label, weight=weight, ignore_index=IGNORE)
    ones = torch.ones(label.shape)
    expected = 0.4 * softmax_loop(
        pred, label, class_weight or [1] * 4, ones if weight is None else weight
    )
    if reduction == "mean":
        count = (label != IGNORE).sum() if avg_non_ignore else label.numel()
        expected = expected.sum() / int(count)
    elif reduction == "sum":
        expected = expected.sum()
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_avg_non_ignore_is_torchs_cross_entropy(batch):
    pred, label = batch
    loss = CrossEntropyLoss(avg_non_ignore=True)(pred, label, ignore_index=IGNORE)
    expected = torch.nn.functional.cross_entropy(pred, label, ignore_index=IGNORE)
    torch.testing.assert_close(loss, expected)


def test_avg_factor_and_reduction_override(batch):
    pred, label = batch
    loss = CrossEntropyLoss()
    each = loss(pred, label, ignore_index=IGNORE, reduction_override="none")
    assert each.shape == label.shape
    torch.testing.assert_close(loss(pred, label, ignore_index=IGNORE, avg_factor=7), each.sum() / 7)
    with pytest.raises(AssertionError):
        loss(pred, label, reduction_override="median")


def sigmoid_loop(pred, label, weight):
    loss = np.zeros(pred.shape)
    for b, c, y, x in np.ndindex(*pred.shape):
        if int(label[b, y, x]) == IGNORE:
            continue
        p = 1 / (1 + math.exp(-float(pred[b, c, y, x])))
        is_class = int(label[b, y, x]) == c
        loss[b, c, y, x] = -math.log(p if is_class else 1 - p) * float(weight[b, y, x])
    return loss


@pytest.mark.parametrize("avg_non_ignore", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_sigmoid_equals_a_loop(batch, avg_non_ignore, weighted):
    pred, label = batch
    weight = torch.rand(label.shape) if weighted else None
    loss = build_loss(
        dict(type="CrossEntropyLoss", use_sigmoid=True, avg_non_ignore=avg_non_ignore)
    )(pred, label, weight=weight, ignore_index=IGNORE)
    each = sigmoid_loop(pred, label, torch.ones(label.shape) if weight is None else weight)
    count = int((label != IGNORE).sum()) * 4 if avg_non_ignore else pred.numel()
    assert loss.item() == pytest.approx(each.sum() / count, rel=1e-5)


@pytest.mark.parametrize("avg_non_ignore", [False, True])
def test_one_logit_decides_between_two_classes(avg_non_ignore):
    torch.manual_seed(0)
    pred, label = torch.randn(1, 1, 4, 4), torch.randint(0, 2, (1, 4, 4))
    label[0, 0] = IGNORE
    loss = CrossEntropyLoss(use_sigmoid=True, avg_non_ignore=avg_non_ignore)(
        pred, label, ignore_index=IGNORE
    )
    p = pred.sigmoid()[0, 0, 1:]
    each = -torch.where(label[0, 1:] == 1, p, 1 - p).log()
    assert loss.item() == pytest.approx(
        each.sum().item() / (12 if avg_non_ignore else 16), rel=1e-5
    )
    with pytest.raises(AssertionError, match="at most 2 classes"):
        CrossEntropyLoss(use_sigmoid=True)(pred, label + 1, ignore_index=IGNORE)


def test_class_weight_of_sigmoid_weighs_positives(batch):
    pred, label = batch
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    loss = CrossEntropyLoss(use_sigmoid=True, class_weight=weights.tolist(), reduction="none")(
        pred, label, ignore_index=IGNORE
    )
    plain = CrossEntropyLoss(use_sigmoid=True, reduction="none")(pred, label, ignore_index=IGNORE)
    is_class = label.unsqueeze(1) == torch.arange(4).view(1, 4, 1, 1)
    torch.testing.assert_close(loss, torch.where(is_class, plain * weights.view(1, 4, 1, 1), plain))


def test_flat_predictions():
    loss = CrossEntropyLoss(use_sigmoid=True)
    pred = torch.tensor([[100.0, -100.0]])
    assert loss(pred, torch.tensor([1])).item() == pytest.approx(100.0)
    with pytest.raises(AssertionError):
        loss(torch.rand(2, 3, 4), torch.zeros(2).long())


def test_mask_loss_reads_the_mask_of_the_own_class():
    torch.manual_seed(0)
    pred, target, label = (
        torch.randn(3, 5, 4, 4),
        torch.rand(3, 4, 4).round(),
        torch.tensor([0, 4, 2]),
    )
    loss = CrossEntropyLoss(use_mask=True)(pred, target, label, ignore_index=None)
    p = torch.stack([pred[i, c] for i, c in enumerate(label)]).sigmoid()
    expected = -(target * p.log() + (1 - target) * (1 - p).log()).mean()
    assert loss.shape == (1,)
    torch.testing.assert_close(loss[0], expected)
    with pytest.raises(AssertionError, match="ignore_index"):
        CrossEntropyLoss(use_mask=True)(pred, target, label)


def test_half_precision_is_computed_in_float32(batch):
    pred, label = batch
    pred = pred.bfloat16()
    loss = CrossEntropyLoss()(pred, label, ignore_index=IGNORE)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, CrossEntropyLoss()(pred.float(), label, ignore_index=IGNORE))


def test_everything_ignored_is_zero_with_zero_gradient():
    pred = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = CrossEntropyLoss(avg_non_ignore=True)(
        pred, torch.full((1, 2, 2), IGNORE), ignore_index=IGNORE
    )
    loss.backward()
    assert loss == 0
    assert (pred.grad == 0).all()


def test_bad_arguments_name_the_key():
    with pytest.raises(ConfigError, match="use_sigmoid and use_mask"):
        build_loss(dict(type="CrossEntropyLoss", use_sigmoid=True, use_mask=True))
    with pytest.raises(ConfigError, match=r"class_wieght.*did you mean 'class_weight'"):
        build_loss(dict(type="CrossEntropyLoss", class_wieght=[1.0]))
    with pytest.raises(ConfigError, match="class_weight has 2 numbers"):
        CrossEntropyLoss(class_weight=[1.0, 2.0])(
            torch.rand(1, 3, 2, 2), torch.zeros(1, 2, 2).long()
        )


def test_name_in_the_log():
    assert CrossEntropyLoss().loss_name == "loss_ce"
    assert CrossEntropyLoss(loss_name="loss_boundary").loss_name == "loss_boundary"


def test_expand_onehot_labels():
    labels = torch.tensor([2, 0, IGNORE, -1])
    weights = torch.tensor([0.5, 2.0, 1.0, 1.0])
    one_hot, bin_weights, valid = _expand_onehot_labels(labels, weights, torch.Size((4, 3)), IGNORE)
    assert one_hot.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert bin_weights.tolist() == [[0.5] * 3, [2.0] * 3, [0.0] * 3, [0.0] * 3]
    assert valid.tolist() == [[1.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3]
