import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcv.image import imrotate
from mmcv.registry import PIPELINES
from mmcv.transforms import Pad, PadShortSide, RandomFlip, RandomRotate

sides = st.integers(1, 40)


class Masks:
    """Stands for instance masks: remembers what was asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def flip(self, direction):
        self.calls.append(("flip", direction))
        return self

    def pad(self, shape, pad_val):
        self.calls.append(("pad", shape, pad_val))
        return self


def sample(h: int = 6, w: int = 9, **more) -> dict:
    rng = np.random.RandomState(0)
    img = rng.randint(1, 255, (h, w, 3)).astype(np.uint8)
    seg = rng.randint(0, 9, (h, w)).astype(np.uint8)
    fields = {"seg_fields": ["gt_semantic_seg"], "img_shape": img.shape}
    return {"img": img, "gt_semantic_seg": seg, **fields, **more}


@settings(deadline=None)
@given(h=sides, w=sides, direction=st.sampled_from(["horizontal", "vertical", "diagonal"]))
def test_flipping_twice_is_the_sample(h, w, direction):
    step = RandomFlip(prob=1.0, direction=direction)
    boxes = np.array([[0.0, 0.0, w, h], [0.25, 0.5, w / 2, h / 2]])
    given_ = sample(h, w, gt_bboxes=boxes.copy(), bbox_fields=["gt_bboxes"])
    once = step(dict(given_))
    assert once["flip"] is True and once["flip_direction"] == direction
    assert (once["gt_bboxes"][:, 2:] >= once["gt_bboxes"][:, :2]).all()
    twice = step(dict(once))
    for key in ("img", "gt_semantic_seg", "gt_bboxes"):
        np.testing.assert_allclose(twice[key], given_[key])
    assert all(stride > 0 for stride in once["gt_semantic_seg"].strides)


def test_flipped_boxes_cover_the_flipped_pixels():
    results = sample(gt_bboxes=np.array([[1.0, 2.0, 4.0, 5.0]]), bbox_fields=["gt_bboxes"])
    results["img"][...] = 0
    results["img"][2:5, 1:4] = 1
    for direction in ("horizontal", "vertical", "diagonal"):
        flipped = RandomFlip(1.0, direction)(dict(results))
        x1, y1, x2, y2 = flipped["gt_bboxes"][0].astype(int)
        assert flipped["img"].sum() == flipped["img"][y1:y2, x1:x2].sum() == 27


@pytest.mark.parametrize("spelling", ["prob", "flip_ratio"])
def test_one_number_decides(spelling):
    step = RandomFlip(**{spelling: 0.3})
    for seed in range(30):
        np.random.seed(seed)
        expected = np.random.rand() < 0.3
        np.random.seed(seed)
        results = step(sample())
        assert results["flip"] == expected
        unused = "horizontal" if spelling == "prob" else None
        assert results["flip_direction"] == ("horizontal" if expected else unused)
        after = np.random.rand()
        np.random.seed(seed)
        np.random.rand()
        assert after == np.random.rand()


def test_several_directions_are_one_choice():
    step = RandomFlip(flip_ratio=[0.2, 0.3], direction=["horizontal", "vertical"])
    shared = RandomFlip(flip_ratio=0.6, direction=["horizontal", "vertical", "diagonal"])
    for seed in range(30):
        np.random.seed(seed)
        expected = np.random.choice(["horizontal", "vertical", ""], p=[0.2, 0.3, 0.5])
        np.random.seed(seed)
        results = step(sample())
        assert (results["flip_direction"] or "") == expected
        assert results["flip"] == bool(expected)
        np.random.seed(seed)
        u = np.random.random_sample()
        thirds = ["horizontal", "vertical", "diagonal", None, None]
        np.random.seed(seed)
        assert shared(sample())["flip_direction"] == thirds[int(u / 0.2)]


def test_flip_in_the_sample_wins():
    results = RandomFlip()(sample(flip=True, flip_direction="vertical"))
    np.testing.assert_array_equal(results["img"], sample()["img"][::-1])
    masks = Masks()
    RandomFlip(1.0)(sample(gt_masks=masks, mask_fields=["gt_masks"]))
    assert masks.calls == [("flip", "horizontal")]


@pytest.mark.parametrize(
    "arguments",
    [
        {"prob": 1.5},
        {"prob": 1.0, "direction": "horizonta"},
        {"flip_ratio": [0.7, 0.7], "direction": ["horizontal", "vertical"]},
        {"flip_ratio": [0.5], "direction": ["horizontal", "vertical"]},
        {"prob": 0.5, "flip_ratio": 0.5},
    ],
)
def test_wrong_flips(arguments):
    with pytest.raises(AssertionError):
        PIPELINES.build({"type": "RandomFlip", **arguments})


def test_flip_without_a_chance_is_an_error():
    with pytest.raises(ValueError, match="prob"):
        RandomFlip()(sample())
    assert repr(RandomFlip(0.5)) == "RandomFlip(prob=0.5)"


@settings(deadline=None)
@given(h=sides, w=sides, divisor=st.integers(1, 16))
def test_pad_to_multiples(h, w, divisor):
    given_ = sample(h, w)
    results = Pad(size_divisor=divisor)(dict(given_))
    new_h, new_w = results["img"].shape[:2]
    assert new_h % divisor == new_w % divisor == 0
    assert 0 <= new_h - h < divisor and 0 <= new_w - w < divisor
    assert results["pad_shape"] == results["img"].shape and results["img_shape"] == (h, w, 3)
    assert results["pad_fixed_size"] is None and results["pad_size_divisor"] == divisor
    np.testing.assert_array_equal(results["img"][:h, :w], given_["img"])
    assert results["img"][h:].sum() == results["img"][:, w:].sum() == 0
    assert (results["gt_semantic_seg"][h:] == 255).all()
    assert (results["gt_semantic_seg"][:, w:] == 255).all()


def test_pad_to_a_size_or_a_square():
    results = Pad(size=(8, 12), pad_val=(1, 2, 3), seg_pad_val=7)(sample())
    assert results["img"].shape == (8, 12, 3) and results["pad_fixed_size"] == (8, 12)
    assert results["img"][7, 11].tolist() == [1, 2, 3] and results["gt_semantic_seg"][7, 11] == 7
    masks = Masks()
    values = {"img": (4, 5, 6), "masks": 1, "seg": 99}
    step = Pad(pad_to_square=True, pad_val=values)
    results = step(sample(gt_masks=masks, mask_fields=["gt_masks"]))
    assert results["img"].shape == (9, 9, 3) and results["pad_fixed_size"] == (9, 9)
    assert results["img"][8, 0].tolist() == [4, 5, 6] and results["gt_semantic_seg"][8, 0] == 99
    assert masks.calls == [("pad", (9, 9), 1)]
    assert repr(Pad(size=(8, 12))) == "Pad(size=(8, 12), size_divisor=None, pad_val=0)"


@pytest.mark.parametrize("arguments", [{}, {"size": (8, 8), "size_divisor": 2}])
def test_wrong_pads(arguments):
    with pytest.raises(AssertionError):
        PIPELINES.build({"type": "Pad", **arguments})


def test_pad_short_side():
    results = PadShortSide(8)(sample())
    assert results["img"].shape == results["pad_shape"] == (8, 9, 3)
    assert (results["gt_semantic_seg"][6:] == 255).all() and results["img"][6:].sum() == 0
    assert "pad_shape" not in PadShortSide(6)(sample())
    with pytest.raises(AssertionError):
        PadShortSide()
    assert repr(PadShortSide(8)) == "PadShortSide(size=8, pad_val=0)"


def test_rotation_draws_decision_then_angle():
    step = RandomRotate(prob=0.5, degree=(-10, 30), pad_val=3, seg_pad_val=200)
    decisions = set()
    for seed in range(12):
        np.random.seed(seed)
        rotate, angle = np.random.rand() < 0.5, np.random.uniform(-10, 30)
        decisions.add(rotate)
        np.random.seed(seed)
        results = step(sample(20, 30))
        expected = sample(20, 30)
        if rotate:
            expected["img"] = imrotate(expected["img"], angle, border_value=3)
            expected["gt_semantic_seg"] = imrotate(
                expected["gt_semantic_seg"], angle, border_value=200, interpolation="nearest"
            )
        for key in ("img", "gt_semantic_seg"):
            np.testing.assert_array_equal(results[key], expected[key])
    assert decisions == {True, False}


def test_rotation_arguments():
    assert RandomRotate(1.0, 10.0).degree == (-10.0, 10.0)
    for prob, degree in [(1.5, 10), (0.5, -10), (0.5, (10.0, 20.0, 30.0))]:
        with pytest.raises(AssertionError):
            RandomRotate(prob, degree)
    assert repr(RandomRotate(0.5, 10)) == (
        "RandomRotate(prob=0.5, degree=(-10, 10), pad_val=0, seg_pad_val=255, center=None, "
        "auto_bound=False)"
    )
