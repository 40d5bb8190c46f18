import itertools

import pytest
import torch

from mmcv.registry import ConfigError
from mmseg.models import build_loss
from mmseg.models.losses.lovasz_loss import LovaszLoss


def jaccard_loss(truth: torch.Tensor, wrong: torch.Tensor) -> float:
    """1 - IoU of the truth and the prediction that errs at ``wrong``."""
    predicted = truth ^ wrong
    union = (truth | predicted).sum().item()
    return 1 - (truth & predicted).sum().item() / union if union else 0.0


def lovasz_extension(truth: torch.Tensor, errors: torch.Tensor) -> float:
    """The definition: errors in descending order times the growth of the Jaccard loss."""
    total, before = 0.0, 0.0
    wrong = torch.zeros_like(truth)
    for i in errors.argsort(descending=True).tolist():
        wrong[i] = True
        after = jaccard_loss(truth, wrong)
        total += errors[i].item() * (after - before)
        before = after
    return total


@pytest.fixture
def batch():
    torch.manual_seed(0)
    pred, label = torch.randn(2, 4, 3, 5), torch.randint(0, 3, (2, 3, 5))  # class 3 is absent
    label[0, 0] = 255
    return pred, label


def softmax_by_definition(pred, label, classes, class_weight=None):
    probs = pred.softmax(1).movedim(1, -1)[label != 255]
    label = label[label != 255]
    losses = []
    for c in classes:
        truth = label == c
        loss = lovasz_extension(truth, (truth.float() - probs[:, c]).abs())
        losses.append(loss * (class_weight[c] if class_weight else 1))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("class_weight", [None, [1.0, 2.0, 3.0, 4.0]])
@pytest.mark.parametrize("classes", ["present", "all", [0, 2]])
def test_multi_class_follows_the_definition(batch, classes, class_weight):
    pred, label = batch
    loss = LovaszLoss(classes=classes, reduction="none", class_weight=class_weight, loss_weight=0.5)
    chosen = {"present": [0, 1, 2], "all": range(4)}.get(str(classes), classes)
    expected = 0.5 * softmax_by_definition(pred, label, chosen, class_weight)
    assert loss(pred, label, ignore_index=255).item() == pytest.approx(expected, rel=1e-4)


def test_loss_per_image_is_reduced(batch):
    pred, label = batch
    each = [
        softmax_by_definition(pred[i : i + 1], label[i : i + 1], label[i].unique().tolist()[:3])
        for i in range(2)
    ]
    for reduction, expected in (("mean", sum(each) / 2), ("sum", sum(each))):
        loss = LovaszLoss(per_image=True, reduction=reduction)(pred, label, ignore_index=255)
        assert loss.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("per_image", [False, True])
def test_binary_is_the_hinge_of_the_definition(per_image):
    torch.manual_seed(0)
    logits, label = torch.randn(2, 3, 5), torch.randint(0, 2, (2, 3, 5))
    label[0, 0] = 255
    groups = [(logits[i], label[i]) for i in range(2)] if per_image else [(logits, label)]
    expected = []
    for logit, target in groups:
        logit, truth = logit[target != 255], target[target != 255].bool()
        hinge = 1 - logit * (2 * truth.float() - 1)
        order = hinge.argsort(descending=True)
        gains = [lovasz_gain(truth, order, k) for k in range(len(order))]
        expected.append(sum(max(hinge[i].item(), 0) * g for i, g in zip(order, gains, strict=True)))
    loss = LovaszLoss(
        loss_type="binary", per_image=per_image, reduction="mean" if per_image else "none"
    )(logits, label, ignore_index=255)
    assert loss.item() == pytest.approx(sum(expected) / len(expected), rel=1e-4)


def lovasz_gain(truth, order, k):
    wrong = torch.zeros_like(truth)
    wrong[order[: k + 1]] = True
    after = jaccard_loss(truth, wrong)
    wrong[order[k]] = False
    return after - jaccard_loss(truth, wrong)


def test_at_the_corners_it_is_the_jaccard_loss():
    truth = torch.tensor([1, 1, 0, 0])
    for guess in itertools.product([0, 1], repeat=4):
        wrong = truth.bool() ^ torch.tensor(guess).bool()
        expected = jaccard_loss(truth.bool(), wrong)
        assert lovasz_extension(truth.bool(), wrong.float()) == pytest.approx(expected)


def test_everything_ignored_is_zero():
    pred = torch.randn(1, 3, 2, 2, requires_grad=True)
    for loss_type in ("multi_class", "binary"):
        loss = LovaszLoss(loss_type=loss_type, reduction="none")
        score = pred if loss_type == "multi_class" else pred[:, 0]
        value = loss(score, torch.full((1, 2, 2), 255), ignore_index=255)
        assert value.shape == ()
        assert value == 0
        value.backward()


@pytest.mark.parametrize(
    "wrong",
    [dict(loss_type="Binary", reduction="none"), dict(classes="some", reduction="none"), {}],
    ids=["loss_type", "classes", "reduction"],
)
def test_bad_arguments_name_the_key(wrong, request):
    with pytest.raises(ConfigError, match=request.node.callspec.id):
        build_loss(dict(type="LovaszLoss", **wrong))
