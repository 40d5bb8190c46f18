import numpy as np
import pytest

from mmcv.registry import PIPELINES
from mmcv.transforms import RandomCutOut


def sample(h: int = 20, w: int = 30) -> dict:
    return {
        "img": np.full((h, w, 3), 100, np.uint8),
        "gt_semantic_seg": np.ones((h, w), np.uint8),
        "seg_fields": ["gt_semantic_seg"],
    }


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["cutout_shape", "cutout_ratio"])
def test_holes_are_where_the_draws_say(seed, kind):
    candidates = [(4, 6), (9, 3)] if kind == "cutout_shape" else [(0.2, 0.5), (0.1, 0.9)]
    step = RandomCutOut(0.8, (1, 4), fill_in=(1, 2, 3), seg_fill_in=9, **{kind: candidates})
    np.random.seed(seed)
    expected = sample()
    if np.random.rand() < 0.8:
        for _ in range(np.random.randint(1, 5)):
            x, y = np.random.randint(0, 30), np.random.randint(0, 20)
            cut_w, cut_h = candidates[np.random.randint(0, 2)]
            if kind == "cutout_ratio":
                cut_w, cut_h = int(cut_w * 30), int(cut_h * 20)
            for i in range(y, min(y + cut_h, 20)):
                for j in range(x, min(x + cut_w, 30)):
                    expected["img"][i, j] = (1, 2, 3)
                    expected["gt_semantic_seg"][i, j] = 9
    np.random.seed(seed)
    results = step(sample())
    np.testing.assert_array_equal(results["img"], expected["img"])
    np.testing.assert_array_equal(results["gt_semantic_seg"], expected["gt_semantic_seg"])


def test_labels_stay_by_default():
    results = RandomCutOut(1.0, 3, cutout_shape=(10, 10))(sample())
    assert (results["gt_semantic_seg"] == 1).all() and (results["img"] == 0).any()


@pytest.mark.parametrize(
    "arguments",
    [
        {"prob": 1.5, "n_holes": 1, "cutout_shape": (2, 2)},
        {"prob": 0.5, "n_holes": (5, 3), "cutout_shape": (8, 8)},
        {"prob": 0.5, "n_holes": (3, 4, 5), "cutout_shape": (8, 8)},
        {"prob": 0.5, "n_holes": 1, "cutout_shape": 8},
        {"prob": 0.5, "n_holes": 1, "cutout_ratio": 0.2},
        {"prob": 0.5, "n_holes": 1},
        {"prob": 0.5, "n_holes": 1, "cutout_shape": (2, 2), "cutout_ratio": (0.4, 0.4)},
        {"prob": 0.5, "n_holes": 1, "cutout_ratio": (0.9, 0.9), "seg_fill_in": 256},
        {"prob": 0.5, "n_holes": 1, "cutout_ratio": (0.9, 0.9), "seg_fill_in": "a"},
    ],
)
def test_wrong_arguments(arguments):
    with pytest.raises(AssertionError):
        PIPELINES.build({"type": "RandomCutOut", **arguments})


def test_repr_names_the_kind():
    assert repr(RandomCutOut(1, 2, cutout_shape=(3, 4))) == (
        "RandomCutOut(prob=1, n_holes=(2, 2), cutout_shape=[(3, 4)], fill_in=(0, 0, 0), "
        "seg_fill_in=None)"
    )
    assert "cutout_ratio" in repr(RandomCutOut(1, 2, cutout_ratio=(0.3, 0.4)))
