"""RoI extractors against torchvision, region by region."""

import pytest
import torch
from torchvision.ops import roi_align

from mmdet.models.roi_heads.roi_extractors import GenericRoIExtractor, SingleRoIExtractor

STRIDES = [4, 8, 16, 32]
LAYER = dict(type="RoIAlign", output_size=7, sampling_ratio=2)


def maps(dtype=torch.float32):
    torch.manual_seed(0)
    return [torch.rand(2, 6, 256 // s, 256 // s, dtype=torch.float32).to(dtype) for s in STRIDES]


# Sides whose levels follow from floor(log2(side / 56)), 0 to 3.
SIDES = [10, 56, 111, 112, 200, 223, 224, 240]
LEVELS = [0, 0, 0, 1, 1, 1, 2, 2]


def regions():
    rois = [[i % 2, 3.5, 7.0, 3.5 + side + 0.1, 7.0 + side + 0.1] for i, side in enumerate(SIDES)]
    return torch.tensor(rois)


def test_every_region_comes_from_its_level():
    extractor = SingleRoIExtractor(LAYER, 6, STRIDES)
    feats, rois = maps(), regions()
    assert extractor.map_roi_levels(rois, 4).tolist() == LEVELS
    found = extractor(feats, rois)
    for i, level in enumerate(LEVELS):
        wanted = roi_align(feats[level], rois[i : i + 1], 7, 1 / STRIDES[level], 2, aligned=True)
        torch.testing.assert_close(found[i], wanted[0])


def test_enlarged_regions_stay_on_their_level():
    extractor = SingleRoIExtractor(LAYER, 6, STRIDES)
    found = extractor(maps(), regions()[:1], roi_scale_factor=2.0)
    x1, y1, x2, y2 = regions()[0, 1:].tolist()
    cx, cy, w, h = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
    larger = torch.tensor([[0, cx - w, cy - h, cx + w, cy + h]])
    wanted = roi_align(maps()[0], larger, 7, 1 / 4, 2, aligned=True)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("num", [0, 1])
def test_every_map_is_in_the_graph(num):
    feats = [feat.requires_grad_() for feat in maps()]
    extractor = SingleRoIExtractor(LAYER, 6, STRIDES)
    extractor(feats, regions()[:num]).sum().backward()
    assert all(feat.grad is not None for feat in feats)
    assert bool(feats[0].grad.any()) is (num == 1)


def test_half_precision_maps_are_pooled_in_fp32():
    extractor = SingleRoIExtractor(LAYER, 6, STRIDES)
    feats = maps(torch.bfloat16)
    found = extractor(feats, regions())
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, extractor([f.float() for f in feats], regions()).bfloat16())


def test_generic_extractor_sums_or_concatenates():
    feats, rois = maps(), regions()[:2]
    levels = [roi_align(f, rois, 7, 1 / s, 2, aligned=True) for f, s in zip(feats, STRIDES)]  # noqa: B905
    options = dict(roi_layer=LAYER, featmap_strides=STRIDES)
    summed = GenericRoIExtractor(out_channels=6, **options)
    torch.testing.assert_close(summed(feats, rois), sum(levels))
    joined = GenericRoIExtractor(aggregation="concat", out_channels=24, **options)
    torch.testing.assert_close(joined(feats, rois), torch.cat(levels, 1))
    assert summed(feats, rois[:0]).shape == (0, 6, 7, 7)
    assert summed(feats, rois, roi_scale_factor=2.0).shape == (2, 6, 7, 7)
    single = GenericRoIExtractor(out_channels=6, roi_layer=LAYER, featmap_strides=[4])
    torch.testing.assert_close(single(feats[:1], rois), levels[0])
    with pytest.raises(AssertionError, match="aggregation"):
        GenericRoIExtractor(aggregation="not support", out_channels=6, **options)


def test_generic_extractor_with_plugins():
    conv = dict(type="ConvModule", in_channels=6, out_channels=6, kernel_size=5, padding=2)
    conv["inplace"] = False
    options = dict(out_channels=6, roi_layer=LAYER, featmap_strides=STRIDES)
    extractor = GenericRoIExtractor(pre_cfg=conv, post_cfg=conv, **options)
    assert extractor(maps(), regions()).shape == (8, 6, 7, 7)


def test_unknown_layers_and_keys_are_named():
    with pytest.raises(ValueError, match="'RoIAlgin'"):
        SingleRoIExtractor(dict(type="RoIAlgin", output_size=7), 6, STRIDES)
    with pytest.raises(ValueError, match="did you mean 'output_size'"):
        SingleRoIExtractor(dict(type="RoIAlign", output_sise=7), 6, STRIDES)
