import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcv.registry import PIPELINES, ConfigError
from mmcv.transforms import Resize, ResizeToMultiple, SegRescale, SETR_Resize


class Masks:
    """Stands for instance masks: remembers what was asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def rescale(self, scale):
        self.calls.append(("rescale", scale))
        return self

    def resize(self, shape):
        self.calls.append(("resize", shape))
        return self


def sample(h: int = 30, w: int = 40, **more) -> dict:
    rng = np.random.RandomState(0)
    img = rng.randint(0, 256, (h, w, 3)).astype(np.uint8)
    seg = rng.randint(0, 9, (h, w)).astype(np.uint8)
    return {"img": img, "gt_semantic_seg": seg, "seg_fields": ["gt_semantic_seg"], **more}


def test_keep_ratio_fits_into_the_scale_and_records_it():
    results = Resize((80, 30))(sample())
    assert results["img"].shape == (30, 40, 3)
    results = Resize((200, 60))(sample())
    assert results["img"].shape == results["img_shape"] == results["pad_shape"] == (60, 80, 3)
    assert results["gt_semantic_seg"].shape == (60, 80)
    assert results["scale"] == (200, 60) and results["scale_idx"] == 0
    assert results["keep_ratio"] is True
    np.testing.assert_array_equal(results["scale_factor"], np.float32([2, 2, 2, 2]))
    assert results["scale_factor"].dtype == np.float32


def test_scale_factor_is_of_the_rounded_sizes():
    results = Resize((47, 31))(sample(33, 50))
    h, w = results["img"].shape[:2]
    expected = np.array([w / 50, h / 33, w / 50, h / 33], dtype=np.float32)
    np.testing.assert_array_equal(results["scale_factor"], expected)


def test_without_keep_ratio_the_scale_is_width_and_height():
    results = Resize((50, 20), keep_ratio=False)(sample())
    assert results["img"].shape == (20, 50, 3) and results["gt_semantic_seg"].shape == (20, 50)


def test_labels_keep_their_values():
    results = Resize((77, 51), keep_ratio=False)(sample())
    assert set(np.unique(results["gt_semantic_seg"])) <= set(range(9))


def test_range_of_scales_draws_long_then_short_edge():
    step = Resize([(100, 40), (60, 30)])
    for seed in range(20):
        np.random.seed(seed)
        long_edge = np.random.randint(60, 101)
        short_edge = np.random.randint(30, 41)
        np.random.seed(seed)
        results = step(sample())
        assert results["scale"] == (long_edge, short_edge) and results["scale_idx"] is None


def test_value_of_scales_draws_an_index():
    step = Resize([(100, 40), (60, 30), (50, 50)], multiscale_mode="value")
    for seed in range(10):
        np.random.seed(seed)
        index = np.random.randint(3)
        np.random.seed(seed)
        results = step(sample())
        assert results["scale_idx"] == index and results["scale"] == step.img_scale[index]


def test_ratio_range_draws_one_number():
    for scale, base in [((100, 40), (100, 40)), (None, (40, 30))]:
        step = Resize(scale, ratio_range=(0.5, 2.0))
        for seed in range(10):
            np.random.seed(seed)
            ratio = np.random.random_sample() * 1.5 + 0.5
            np.random.seed(seed)
            results = step(sample())
            assert results["scale"] == (int(base[0] * ratio), int(base[1] * ratio))


def test_scale_in_the_sample_wins_unless_overridden():
    state = np.random.get_state()[1].copy()
    given_scale = Resize((10, 10))(sample(scale=(80, 60)))
    assert given_scale["img"].shape == (60, 80, 3)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    again = Resize((20, 15), override=True)(given_scale)
    assert again["img"].shape == (15, 20, 3) and again["scale"] == (20, 15)


@settings(max_examples=40, deadline=None)
@given(h=st.integers(8, 90), w=st.integers(8, 90), least=st.integers(4, 60))
def test_min_size_bounds_the_short_edge(h, w, least):
    results = Resize((400, 20), min_size=least)(sample(h, w))
    assert min(results["img"].shape[:2]) == max(20, least)
    new_h, new_w = results["img"].shape[:2]
    assert abs(new_h / new_w - h / w) <= 0.5 * (1 + h / w) / min(new_h, new_w) + 1e-9


@settings(max_examples=40, deadline=None)
@given(h=st.integers(8, 400), w=st.integers(8, 400))
def test_setr_resize_never_falls_below_the_crop(h, w):
    step = SETR_Resize((160, 24), crop_size=(32, 32), setr_multi_scale=True)
    results = step(sample(h, w))
    assert min(results["img"].shape[:2]) == 32
    short = Resize((160, 24))(sample(h, w))
    plain = SETR_Resize((160, 24), crop_size=(32, 32))(sample(h, w))
    np.testing.assert_array_equal(plain["img"], short["img"])


def test_setr_resize_records_height_first_scale():
    step = SETR_Resize((2016, 504), crop_size=(504, 504), setr_multi_scale=True)
    results = step(sample(60, 90))
    assert results["scale"] == (504, 504 * 90 / 60)
    results = step(sample(90, 60))
    assert results["scale"] == (504 * 90 / 60, 504)


def test_boxes_are_scaled_and_clipped():
    boxes = np.array([[0, 0, 40, 30], [10, 5, 39, 35]], dtype=np.float32)
    step = Resize((80, 60))
    results = step(sample(gt_bboxes=boxes.copy(), bbox_fields=["gt_bboxes"]))
    np.testing.assert_array_equal(results["gt_bboxes"], [[0, 0, 80, 60], [20, 10, 78, 60]])
    step = Resize((80, 60), bbox_clip_border=False)
    results = step(sample(gt_bboxes=boxes.copy(), bbox_fields=["gt_bboxes"]))
    np.testing.assert_array_equal(results["gt_bboxes"], boxes * 2)


def test_masks_are_asked_to_resize_themselves():
    masks = Masks()
    Resize((80, 60))(sample(gt_masks=masks, gone=None, mask_fields=["gt_masks", "gone"]))
    Resize((80, 50), keep_ratio=False)(sample(gt_masks=masks, mask_fields=["gt_masks"]))
    assert masks.calls == [("rescale", (80, 60)), ("resize", (50, 80))]


def test_further_images_are_resized_too():
    results = sample(img2=np.zeros((30, 40), np.uint8), img_fields=["img", "img2"])
    results = Resize((80, 60), interpolation="nearest", backend="pillow")(results)
    assert results["img2"].shape == (60, 80)


@pytest.mark.parametrize(
    "arguments",
    [
        {"img_scale": [1333, 800]},
        {"img_scale": [(1333, 800), (1333, 600)], "ratio_range": (0.9, 1.1)},
        {"img_scale": [(1333, 800), (1333, 600)], "multiscale_mode": "2333"},
    ],
)
def test_wrong_arguments_are_assertion_and_config_errors(arguments):
    for error in (AssertionError, ConfigError):
        with pytest.raises(error):
            PIPELINES.build({"type": "Resize", **arguments})


def test_wrong_draws():
    with pytest.raises(AssertionError, match="two scales"):
        Resize([(1, 2), (3, 4), (5, 6)])(sample())
    with pytest.raises(AssertionError, match="ratio_range"):
        Resize((10, 10), ratio_range=(2.0, 1.0))(sample())
    with pytest.raises(ValueError, match="img_scale"):
        Resize()(sample())
    with pytest.raises(AssertionError, match="crop_size"):
        SETR_Resize((10, 10), setr_multi_scale=True)


def test_resize_to_multiple():
    results = ResizeToMultiple(14)(sample())
    assert results["img"].shape == results["img_shape"] == results["pad_shape"] == (42, 42, 3)
    assert results["gt_semantic_seg"].shape == (42, 42)
    untouched = ResizeToMultiple(10, interpolation="nearest")(sample())
    np.testing.assert_array_equal(untouched["img"], sample()["img"])
    assert repr(ResizeToMultiple()) == "ResizeToMultiple(size_divisor=32, interpolation=None)"


def test_seg_rescale():
    results = SegRescale(0.5)(sample())
    assert results["gt_semantic_seg"].shape == (15, 20) and results["img"].shape == (30, 40, 3)
    assert SegRescale(1)(sample())["gt_semantic_seg"].shape == (30, 40)
    assert repr(SegRescale()) == "SegRescale(scale_factor=1)"


def test_repr():
    assert repr(Resize((4, 3), ratio_range=(0.5, 2.0))) == (
        "Resize(img_scale=[(4, 3)], multiscale_mode=range, ratio_range=(0.5, 2.0), keep_ratio=True)"
    )
