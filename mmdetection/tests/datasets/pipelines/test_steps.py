"""Steps of detection's pipelines, each against a computation of its own."""

import numpy as np
import pytest

from mmcv.data import MultiImageMixDataset
from mmcv.data.errors import DataError
from mmdet.datasets.pipelines import (
    Albu,
    AutoAugment,
    ColorTransform,
    CopyPaste,
    CutOut,
    DefaultFormatBundle,
    Expand,
    FilterAnnotations,
    LoadAnnotations,
    MinIoURandomCrop,
    MixUp,
    Mosaic,
    MultiScaleFlipAug,
    Pad,
    PhotoMetricDistortion,
    RandomAffine,
    RandomCrop,
    RandomFlip,
    RandomShift,
    Resize,
    Rotate,
    Shear,
    Translate,
    WrapFieldsToLists,
    YOLOXHSVRandomAug,
)
from mmdet.datasets.pipelines.masks import to_bitmap
from mmdet.masks import BitmapMasks

H, W = 60, 80


def sample(seed=0, count=3, with_masks=True):
    """An image with filled rectangles whose boxes and masks are exact."""
    rng = np.random.default_rng(seed)
    img = rng.integers(0, 100, (H, W, 3), dtype=np.uint8)
    boxes, masks = [], np.zeros((count, H, W), np.uint8)
    for k in range(count):
        x1, y1 = rng.integers(0, (W - 30, H - 30))
        x2, y2 = np.array([x1, y1]) + rng.integers(12, 28, 2)
        boxes.append([x1, y1, x2, y2])
        masks[k, y1:y2, x1:x2] = 1
        img[y1:y2, x1:x2] = 150 + 40 * k
    results = {
        "img": img,
        "img_shape": img.shape,
        "ori_shape": img.shape,
        "img_fields": ["img"],
        "gt_bboxes": np.array(boxes, np.float32).reshape(-1, 4),
        "gt_labels": np.arange(count),
        "bbox_fields": ["gt_bboxes"],
        "mask_fields": [],
        "seg_fields": [],
    }
    if with_masks:
        results.update(gt_masks=BitmapMasks(masks, H, W), mask_fields=["gt_masks"])
    return results


def boxes_around(masks):
    boxes = []
    for mask in masks:
        ys, xs = np.nonzero(mask)
        boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
    return np.array(boxes, np.float32).reshape(-1, 4)


def assert_boxes_fit_masks(results, tolerance=0.0):
    masks = results["gt_masks"].masks
    assert masks.shape[1:] == results["img"].shape[:2]
    assert len(masks) == len(results["gt_bboxes"]) == len(results["gt_labels"])
    keep = masks.any(axis=(1, 2))
    got = results["gt_bboxes"][keep]
    np.testing.assert_allclose(got, boxes_around(masks[keep]), rtol=0, atol=tolerance)


GEOMETRIC = [
    (Resize(img_scale=(160, 120)), 1.0),
    (Resize(img_scale=(100, 90), keep_ratio=False), 1.5),
    (RandomFlip(1.0), 0),
    (RandomFlip(0.9, ["horizontal", "vertical", "diagonal"]), 0),
    (Pad(size_divisor=32), 0),
    (Pad(pad_to_square=True), 0),
    (RandomCrop((40, 50), allow_negative_crop=True, recompute_bbox=True), 0),
    (RandomCrop((30, 60), "absolute_range", True, True), 0),
    (RandomCrop((0.5, 0.7), "relative", True, True), 0),
    (RandomCrop((0.4, 0.4), "relative_range", True, True), 0),
    (Expand(prob=1.0), 0),
    (MinIoURandomCrop(), 0),
    (Translate(level=1, prob=1.0), 0),
    (Translate(level=1, prob=1.0, direction="vertical"), 0),
]


@pytest.mark.parametrize(("step", "tolerance"), GEOMETRIC, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("seed", range(5))
def test_boxes_and_masks_move_together(step, tolerance, seed):
    np.random.seed(seed)
    results = step(sample(seed))
    assert_boxes_fit_masks(results, tolerance)
    if "pad_shape" not in results:
        assert results["img_shape"] == results["img"].shape or isinstance(step, Expand)


@pytest.mark.parametrize("step", [Shear(level=5, prob=1.0), Rotate(level=3, prob=1.0)])
def test_boxes_contain_what_is_warped(step):
    np.random.seed(1)
    results = step(sample())
    for box, mask in zip(results["gt_bboxes"], results["gt_masks"].masks, strict=True):
        x1, y1, x2, y2 = boxes_around([mask])[0]
        assert box[0] - 2 <= x1 and box[1] - 2 <= y1 and x2 <= box[2] + 2 and y2 <= box[3] + 2


def test_cropping_keeps_the_pixels_of_objects():
    np.random.seed(0)
    results = RandomCrop((30, 30), allow_negative_crop=True)(sample(count=1))
    if len(results["gt_labels"]):
        assert (results["img"][results["gt_masks"].masks[0] == 1] == 150).all()


def test_crops_without_objects_are_rejected_or_kept():
    empty = sample(count=1)
    empty["gt_bboxes"][:] = [[70, 50, 80, 60]]
    results = [RandomCrop((10, 10))({**empty}) for _ in range(30)]
    assert any(result is None for result in results)
    kept = [RandomCrop((10, 10), allow_negative_crop=True)({**empty}) for _ in range(30)]
    assert all(result is not None for result in kept)


@pytest.mark.parametrize(
    ("crop_size", "crop_type"),
    [((2, 2), "relative"), ((-1, 5), "absolute"), ((9, 5), "absolute_range")],
)
def test_crop_sizes_that_do_not_fit_their_type(crop_size, crop_type):
    with pytest.raises(ValueError, match="crop_size"):
        RandomCrop(crop_size, crop_type)


def test_an_unknown_type_of_crop():
    with pytest.raises(ValueError, match="Invalid crop_type unknown"):
        RandomCrop((5, 5), "unknown")


def test_a_second_resize_needs_override():
    results = Resize(img_scale=(160, 120))(sample())
    with pytest.raises(ValueError, match="cannot be both set"):
        Resize(img_scale=(40, 30))(results)
    assert Resize(img_scale=(40, 30), override=True)(results)["img"].shape[:2] == (30, 40)


def test_shifting_moves_boxes_with_the_image():
    np.random.seed(0)
    results = sample(count=1, with_masks=False)
    before, box = results["img"].copy(), results["gt_bboxes"][0].copy()
    after = RandomShift(1.0, 10)(results)
    dx, dy = (after["gt_bboxes"][0] - box)[:2].astype(int)
    x1, y1, x2, y2 = after["gt_bboxes"][0].astype(int)
    expected = before[y1 - dy : y2 - dy, x1 - dx : x2 - dx]
    np.testing.assert_array_equal(after["img"][y1:y2, x1:x2], expected)


def test_an_affine_warp_that_only_scales():
    step = RandomAffine(0, 0, (2.0, 2.0), 0)
    results = step(sample(count=1, with_masks=False))
    box = sample(count=1)["gt_bboxes"][0] * 2
    expected = np.clip(box, 0, [W, H, W, H])
    np.testing.assert_allclose(results["gt_bboxes"][0], expected, atol=1e-4)
    with pytest.raises(NotImplementedError, match="only supports bbox"):
        step(sample())


def test_colours_change_and_shapes_stay():
    np.random.seed(3)
    for step in (PhotoMetricDistortion(), YOLOXHSVRandomAug(), ColorTransform(9, 1.0)):
        results = sample()
        before = results["img"].copy()
        after = step(results)["img"]
        assert after.shape == before.shape and not np.array_equal(after, before)
    with pytest.raises(ValueError, match="Only single img_fields"):
        PhotoMetricDistortion()({**sample(), "img_fields": ["img", "img2"]})


def test_holes():
    np.random.seed(0)
    results = CutOut(3, cutout_shape=(9, 9), fill_in=(1, 2, 3))(sample())
    assert (results["img"] == (1, 2, 3)).all(axis=2).sum() >= 25


def test_one_policy_is_run():
    np.random.seed(0)
    smaller = {"type": "Resize", "img_scale": (40, 30)}
    steps = [[{"type": "RandomFlip", "flip_ratio": 1.0}], [smaller]]
    shapes = {AutoAugment(steps)(sample())["img"].shape[0] for _ in range(20)}
    assert shapes == {60, 30}
    with pytest.raises(ValueError, match="non-empty list"):
        AutoAugment([])


# ---- mixing


def mixing(step, size=None):
    def prepared(seed):
        results = sample(seed, with_masks=size is not None)
        return results if size is None else Resize(img_scale=size, keep_ratio=False)(results)

    class Samples(list):
        def get_ann_info(self, index):
            return {"bboxes": self[index]["gt_bboxes"]}

    data = MultiImageMixDataset(Samples(prepared(seed) for seed in range(4)), [])
    data.pipeline, data.pipeline_types = [step], [type(step).__name__]
    return data


def test_a_mosaic_shows_four_images():
    np.random.seed(0)
    results = mixing(Mosaic((H, W), (1.0, 1.0)))[0]
    assert results["img"].shape == (2 * H, 2 * W, 3)
    assert len(results["gt_bboxes"]) == len(results["gt_labels"]) == 12
    # The centre is the middle and images keep their size: boxes of the first one do not move.
    np.testing.assert_allclose(results["gt_bboxes"][:3], sample(0)["gt_bboxes"])
    for box, label in zip(results["gt_bboxes"].astype(int), results["gt_labels"], strict=True):
        crop = results["img"][box[1] : box[3], box[0] : box[2]]
        assert (crop == 150 + 40 * label).all(axis=2).any()


def test_mixing_up_adds_the_boxes_of_another_image():
    np.random.seed(0)
    results = mixing(MixUp((H, W), (1.0, 1.0), flip_ratio=1.0))[0]
    assert len(results["gt_bboxes"]) == 6 and results["img"].dtype == np.uint8
    assert results["img"].shape == (H, W, 3)


def test_pasted_objects_hide_others():
    np.random.seed(1)
    results = mixing(CopyPaste(selected=False, bbox_occluded_thr=0, mask_occluded_thr=0), (W, H))[0]
    masks = results["gt_masks"].masks
    assert len(masks) == len(results["gt_bboxes"]) == len(results["gt_labels"]) > 3
    pasted, old = masks[-3:], masks[:-3]
    assert not (old.any(axis=0) & pasted.any(axis=0)).any()
    assert_boxes_fit_masks(results)


@pytest.mark.parametrize("step", [Mosaic(), MixUp(), CopyPaste()])
def test_mixing_says_where_it_works(step):
    with pytest.raises(ValueError, match="MultiImageMixDataset"):
        step(sample())


# ---- loading and formatting


def test_masks_from_polygons_and_both_kinds_of_rle():
    square = [[2.0, 1.0, 6.0, 1.0, 6.0, 4.0, 2.0, 4.0]]
    expected = np.zeros((8, 9), np.uint8)
    expected[1:4, 2:6] = 1
    np.testing.assert_array_equal(to_bitmap(square, 8, 9), expected)
    flat = expected.ravel(order="F")
    runs = np.diff(np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [72]])).tolist()
    np.testing.assert_array_equal(to_bitmap({"size": [8, 9], "counts": runs}, 8, 9), expected)
    assert to_bitmap([[1.0, 2.0]], 8, 9).sum() == 0  # no polygon


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "x",
        {"counts": [1]},
        {"size": [8, 9], "counts": [3]},
        {"size": [2, 2], "counts": [4]},
    ],
)
def test_masks_of_another_kind_are_named(wrong):
    with pytest.raises(DataError, match=r"a mask of a\.jpg"):
        to_bitmap(wrong, 8, 9, "a.jpg")


def test_boxes_relative_to_the_image():
    results = {"ann_info": {"bboxes": np.array([[0.5, 0, 1, 0.5]]), "labels": np.zeros(1)}}
    results.update(img_shape=(60, 80, 3), bbox_fields=[])
    loaded = LoadAnnotations(denorm_bbox=True)(results)
    assert loaded["gt_bboxes"].tolist() == [[40, 0, 80, 30]]


def test_small_objects_are_left_out():
    results = sample()
    results["gt_bboxes"][1] = [5, 5, 6, 6]
    kept = FilterAnnotations((2, 2))({**results})
    assert kept["gt_labels"].tolist() == [0, 2] and len(kept["gt_masks"]) == 2
    assert FilterAnnotations((99, 99))({**results}) is None
    assert len(FilterAnnotations((99, 99), keep_empty=False)({**results})["gt_labels"]) == 0


def test_tensors_and_their_defaults():
    bundle = DefaultFormatBundle()(sample())
    assert bundle["img"].shape == (3, H, W) and bundle["img"].is_floating_point()
    assert bundle["scale_factor"] == 1.0 and bundle["pad_shape"] == (H, W, 3)
    assert isinstance(bundle["gt_masks"], BitmapMasks)
    padded = DefaultFormatBundle(pad_val={"img": 114, "masks": 0, "seg": 255})(sample())
    assert padded["img"].padding_value == 114
    assert WrapFieldsToLists()({"a": 1}) == {"a": [1]}


def test_views_of_a_test():
    steps = [{"type": "Resize", "keep_ratio": True}, {"type": "RandomFlip"}]
    base = {k: v for k, v in sample().items() if k in ("img", "img_fields", "img_shape")}
    options = {"flip": True, "flip_direction": ["horizontal", "vertical"]}
    views = MultiScaleFlipAug(steps, [(160, 120), (40, 30)], **options)(base)
    assert views["flip_direction"] == [None, "horizontal", "vertical"] * 2
    assert [img.shape[0] for img in views["img"]] == [120] * 3 + [30] * 3
    factors = MultiScaleFlipAug(steps, scale_factor=0.5)(base)
    assert factors["img"][0].shape[:2] == (30, 40)
    with pytest.raises(ValueError, match="only one variable"):
        MultiScaleFlipAug(steps)


def test_albumentations_are_asked_for():
    try:
        import albumentations  # noqa: F401
    except ImportError:
        with pytest.raises(ValueError, match="pip install albumentations"):
            Albu([{"type": "HorizontalFlip"}])
