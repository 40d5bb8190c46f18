import pytest
import torch

from mmcv.registry import ConfigError
from mmseg.models.decode_heads import FCNHead
from mmseg.models.samplers import OHEMPixelSampler


def head(**kwargs):
    return FCNHead(in_channels=8, channels=8, num_classes=5, **kwargs)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    logit, label = torch.randn(2, 5, 12, 12), torch.randint(0, 5, (2, 1, 12, 12))
    label[0, 0, :2] = 255
    return logit, label


def own_probability(logit, label):
    probs = logit.softmax(1)
    result = torch.full(label[:, 0].shape, 2.0)
    for b, y, x in torch.nonzero(label[:, 0] != 255).tolist():
        result[b, y, x] = probs[b, label[b, 0, y, x], y, x]
    return result


def test_threshold_keeps_improbable_pixels(batch):
    logit, label = batch
    weight = OHEMPixelSampler(context=head(), thresh=0.3, min_kept=10).sample(logit, label)
    probs = own_probability(logit, label)
    assert weight.dtype == torch.float32
    assert torch.equal(weight.bool(), probs < 0.3)
    assert (weight[0, :2] == 0).all()


def test_at_least_min_kept_pixels_per_image_stay(batch):
    logit, label = batch
    weight = OHEMPixelSampler(context=head(), thresh=1e-6, min_kept=30).sample(logit, label)
    hardest = own_probability(logit, label).flatten().argsort()[:60]
    assert weight.sum() == 60
    assert weight.flatten()[hardest].all()


def test_more_min_kept_than_pixels(batch):
    logit, label = batch
    weight = OHEMPixelSampler(context=head(), thresh=1e-6, min_kept=1000).sample(logit, label)
    assert weight.sum() == (label != 255).sum() - 1  # 1.x compares with "<": the last one is out


@pytest.mark.parametrize("names", [["loss_ce"], ["loss_1", "loss_2"]])
def test_without_threshold_the_highest_losses_stay(batch, names):
    logit, label = batch
    losses = [dict(type="CrossEntropyLoss", loss_name=name) for name in names]
    context = head(loss_decode=losses if len(losses) > 1 else losses[0])
    weight = OHEMPixelSampler(context=context, min_kept=20).sample(logit, label)
    hardest = own_probability(logit, label).flatten().argsort()[:40]
    assert weight.sum() == 40
    assert weight.flatten()[hardest].all()


@pytest.mark.parametrize("thresh", [None, 0.7])
def test_everything_ignored(thresh):
    sampler = OHEMPixelSampler(context=head(), thresh=thresh, min_kept=10)
    weight = sampler.sample(torch.randn(1, 5, 4, 4), torch.full((1, 1, 4, 4), 255))
    assert weight.shape == (1, 4, 4)
    assert weight.sum() == 0


def test_head_weighs_its_loss(batch):
    logit, label = batch
    sampler = dict(type="OHEMPixelSampler", thresh=0.3, min_kept=10)
    with_sampler = head(sampler=sampler)
    losses = with_sampler.losses(logit, label)
    weight = OHEMPixelSampler(with_sampler, thresh=0.3, min_kept=10).sample(logit, label)
    each = torch.nn.functional.cross_entropy(logit, label[:, 0], reduction="none", ignore_index=255)
    torch.testing.assert_close(losses["loss_ce"], (each * weight).mean())


def test_bad_arguments():
    with pytest.raises(ConfigError, match="min_kept"):
        head(sampler=dict(type="OHEMPixelSampler", min_kept=0))
    sampler = OHEMPixelSampler(context=head())
    with pytest.raises(AssertionError):
        sampler.sample(torch.randn(1, 5, 4, 4), torch.zeros(1, 1, 8, 8))
