"""mmcv.utils.testing: comparisons for tests of plug-ins."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

from mmcv.utils import testing


def test_dicts():
    big = {"a": 1, "b": np.arange(3), "c": torch.ones(2)}
    assert testing.assert_dict_contains_subset(big, {"a": 1, "b": np.arange(3)})
    assert testing.assert_dict_contains_subset(big, {"c": torch.ones(2)})
    for other in ({"a": 2}, {"d": 1}, {"b": np.arange(4)}, {"c": torch.zeros(2)}, {"b": 1}):
        assert not testing.assert_dict_contains_subset(big, other)
    assert testing.assert_dict_has_keys(big, ["a", "b"])
    assert not testing.assert_dict_has_keys(big, ["a", "z"])
    assert testing.assert_keys_equal(big, ["c", "b", "a"])
    assert not testing.assert_keys_equal(big, ["a", "b"])


def test_attributes():
    class Thing:
        a, b = 1, np.arange(2)

    assert testing.assert_attrs_equal(Thing, {"a": 1, "b": np.arange(2)})
    assert not testing.assert_attrs_equal(Thing(), {"a": 2})
    assert not testing.assert_attrs_equal(Thing(), {"c": 1})


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.BatchNorm1d(1), True),
        (nn.InstanceNorm2d(1), True),
        (nn.GroupNorm(1, 1), True),
        (nn.LayerNorm(1), True),
        (nn.Conv2d(1, 1, 1), False),
    ],
)
def test_norm_layers(layer, expected):
    assert testing.assert_is_norm_layer(layer) is expected


def test_zero_parameters():
    layer = nn.Linear(2, 2)
    nn.init.zeros_(layer.weight)
    nn.init.ones_(layer.bias)
    assert not testing.assert_params_all_zeros(layer)
    nn.init.zeros_(layer.bias)
    assert testing.assert_params_all_zeros(layer)
    assert not testing.assert_params_all_zeros(nn.Linear(2, 2, bias=False))


def test_scripts_run_with_their_arguments(tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.argv[1:])\n")
    before = sys.argv
    testing.check_python_script(f"python {script} --a 'b c'")
    assert capsys.readouterr().out == "['--a', 'b c']\n"
    script.write_text("raise SystemExit(2)")
    with pytest.raises(SystemExit):
        testing.check_python_script(str(script))
    assert sys.argv is before
