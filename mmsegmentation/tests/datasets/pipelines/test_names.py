"""The steps that 1.x configs name, at the places where plug-ins import them."""

import importlib

import pytest

from mmseg.datasets import PIPELINES, pipelines

NAMES = [
    "AdjustGamma",
    "CLAHE",
    "Collect",
    "Compose",
    "DefaultFormatBundle",
    "ImageToTensor",
    "LoadAnnotations",
    "LoadImageFromFile",
    "MapillaryHack",
    "MultiScaleFlipAug",
    "Normalize",
    "Pad",
    "PadShortSide",
    "PhotoMetricDistortion",
    "RandomCrop",
    "RandomCutOut",
    "RandomFlip",
    "RandomMosaic",
    "RandomRotate",
    "Rerange",
    "Resize",
    "ResizeToMultiple",
    "RGB2Gray",
    "SegRescale",
    "SETR_Resize",
    "ToDataContainer",
    "ToMask",
    "ToTensor",
    "Transpose",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_registered_and_importable(name):
    assert PIPELINES.get(name) is getattr(pipelines, name)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("compose", "Compose"),
        ("formating", "to_tensor"),
        ("formatting", "to_tensor"),
        ("loading", "LoadAnnotations"),
        ("test_time_aug", "MultiScaleFlipAug"),
        ("transforms", "RandomCrop"),
    ],
)
def test_import_paths_of_1x(module, name):
    home = importlib.import_module(f"mmseg.datasets.pipelines.{module}")
    assert getattr(home, name) is getattr(pipelines, name)


def test_nested_steps_are_found_among_those_of_the_task():
    class Step:
        def __call__(self, results):
            return results

    PIPELINES.register_module("NestedStepOfThisTest", module=Step)
    outer = {
        "type": "MultiScaleFlipAug",
        "img_scale": (8, 8),
        "transforms": [{"type": "NestedStepOfThisTest"}],
    }
    (step,) = pipelines.Compose([outer]).transforms
    assert isinstance(step.transforms.transforms[0], Step)
