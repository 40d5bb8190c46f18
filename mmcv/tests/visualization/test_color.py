import numpy as np
import pytest

from mmcv.visualization import Color, color_val


def test_colours_by_name_number_and_value():
    assert color_val(Color.blue) == color_val("blue") == (255, 0, 0)
    assert color_val("red") == (0, 0, 255) and color_val("yellow") == (0, 255, 255)
    assert color_val((1, 2, 3)) == color_val(np.array([1, 2, 3])) == (1, 2, 3)
    assert color_val(100) == (100, 100, 100)


@pytest.mark.parametrize("wrong", [(0, 0), (0, 0, 500), -1, 256, "purplish", np.zeros(4, int)])
def test_what_is_no_colour(wrong):
    with pytest.raises(AssertionError):
        color_val(wrong)


@pytest.mark.parametrize("wrong", [[1, 2, 3], 0.5])
def test_wrong_types(wrong):
    with pytest.raises(TypeError):
        color_val(wrong)
