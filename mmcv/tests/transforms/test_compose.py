import sys

import numpy as np
import pytest

from mmcv.registry import PIPELINES, ConfigError, Registry
from mmcv.transforms import Compose

TASK = Registry("pipeline step", parent=PIPELINES, scope="pipeline_test")


@TASK.register_module()
class AddOne:
    def __call__(self, results):
        return {**results, "img": results["img"] + 1}


def test_steps_run_in_order():
    pipeline = Compose([lambda n: n + 1, lambda n: n * 10])
    assert pipeline(1) == 20


def test_none_ends_the_pipeline():
    assert Compose([lambda n: None, lambda n: n + 1])(1) is None


def test_configs_are_built_in_the_registry_given():
    pipeline = Compose([{"type": "AddOne"}, {"type": "Pad", "size_divisor": 4}], registry=TASK)
    assert pipeline({"img": np.zeros((3, 3, 3), np.uint8)})["img"].shape == (4, 4, 3)
    with pytest.raises(ConfigError, match="AddOne"):
        Compose([{"type": "AddOne"}])


def test_nested_steps_are_found_where_the_pipeline_is():
    nested = {
        "type": "MultiScaleFlipAug",
        "img_scale": (4, 4),
        "transforms": [{"type": "AddOne"}],
    }
    results = Compose([nested], registry=TASK)({"img": np.zeros((2, 2, 3), np.uint8)})
    assert results["img"][0].max() == 1
    with pytest.raises(ConfigError, match="AddOne"):
        Compose([nested])


def test_wrong_steps():
    with pytest.raises(AssertionError):
        Compose({"type": "Pad"})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="callable or a dict"):
        Compose([1])  # type: ignore[list-item]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes came with Python 3.11")
def test_error_names_step_and_file():
    def broken(results):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError) as caught:
        Compose([broken])({"filename": "x/y.jpg"})
    assert caught.value.__notes__ == ["in pipeline step function of x/y.jpg"]


def test_repr_lists_the_steps():
    pipeline = Compose([{"type": "SegRescale"}, {"type": "ToMask"}])
    assert repr(pipeline) == (
        "Compose(\n    SegRescale(scale_factor=1)\n    ToMask(ignore_index=255)\n)"
    )
