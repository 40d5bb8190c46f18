import numpy as np
import pytest

from mmcv.registry import PIPELINES
from mmcv.transforms import MultiScaleFlipAug

STEPS = [{"type": "Resize", "keep_ratio": False}]
FLIPPING = [*STEPS, {"type": "RandomFlip"}]


def sample() -> dict:
    img = np.random.RandomState(0).randint(0, 256, (28, 51, 3)).astype(np.uint8)
    return {"img": img, "img_shape": img.shape}


def views(step: MultiScaleFlipAug) -> list[tuple]:
    results = step(sample())
    shapes = [img.shape[:2] for img in results["img"]]
    return list(
        zip(results["scale"], results["flip"], results["flip_direction"], shapes, strict=True)
    )


def test_one_scale_is_one_view():
    assert views(MultiScaleFlipAug(STEPS, (40, 20))) == [((40, 20), False, "horizontal", (20, 40))]


def test_ratios_multiply_the_scale_or_the_size_of_the_image():
    step = MultiScaleFlipAug(STEPS, (40, 21), img_ratios=[0.5, 1.0, 2.0])
    assert [view[0] for view in views(step)] == [(20, 10), (40, 21), (80, 42)]
    step = MultiScaleFlipAug(STEPS, None, img_ratios=[0.5, 1.0])
    assert [view[0] for view in views(step)] == [(25, 14), (51, 28)]
    step = MultiScaleFlipAug(STEPS, [(40, 20), (20, 20)], img_ratios=1.0)
    assert [view[0] for view in views(step)] == [(40, 20), (20, 20)]


def test_flipped_views_follow_the_unflipped_of_each_scale():
    step = MultiScaleFlipAug(FLIPPING, [(40, 20), (20, 20)], flip=True)
    assert [view[:3] for view in views(step)] == [
        ((40, 20), False, "horizontal"),
        ((40, 20), True, "horizontal"),
        ((20, 20), False, "horizontal"),
        ((20, 20), True, "horizontal"),
    ]
    results = step(sample())
    np.testing.assert_array_equal(results["img"][1], results["img"][0][:, ::-1])


def test_each_direction_comes_unflipped_and_flipped():
    directions = ["horizontal", "vertical"]
    step = MultiScaleFlipAug(FLIPPING, (40, 20), flip=True, flip_direction=directions)
    assert [view[1:3] for view in views(step)] == [
        (False, "horizontal"),
        (False, "vertical"),
        (True, "horizontal"),
        (True, "vertical"),
    ]


def test_views_do_not_disturb_each_other():
    results = MultiScaleFlipAug(
        [{"type": "Normalize", "mean": [1] * 3, "std": [2] * 3}], [(1, 1), (2, 2)]
    )(sample())
    np.testing.assert_array_equal(results["img"][0], results["img"][1])


@pytest.mark.parametrize(
    "arguments",
    [
        {"img_scale": None, "img_ratios": None},
        {"img_scale": [512, 512]},
        {"img_scale": (512, 512), "img_ratios": [1]},
        {"img_scale": (1, 2, 3), "img_ratios": [1.0]},
        {"img_scale": (512, 512), "flip_direction": [1]},
        {
            "img_scale": (512, 512),
            "flip": True,
            "transforms": [{"type": "Pad", "size_divisor": 2}, {"type": "RandomFlip"}],
        },
    ],
)
def test_wrong_arguments(arguments):
    with pytest.raises(AssertionError):
        PIPELINES.build({"type": "MultiScaleFlipAug", "transforms": STEPS, **arguments})


def test_settings_without_effect_warn():
    with pytest.warns(UserWarning, match="flip_direction has no effect"):
        MultiScaleFlipAug(STEPS, (1, 1), flip_direction="vertical")
    with pytest.warns(UserWarning, match="flip has no effect"):
        MultiScaleFlipAug(STEPS, (1, 1), flip=True)
    assert "MultiScaleFlipAug(transforms=Compose(" in repr(MultiScaleFlipAug(STEPS, (1, 1)))
