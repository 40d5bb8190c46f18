import pytest
import torch

from mmseg.ops import Encoding


def test_encoding_equals_a_loop():
    torch.manual_seed(0)
    layer, x = Encoding(channels=3, num_codes=4), torch.randn(2, 3, 2, 5)
    expected = torch.zeros(2, 4, 3)
    for b in range(2):
        for pixel in x[b].flatten(1).t():
            scores = torch.stack(
                [layer.scale[k] * (pixel - layer.codewords[k]).pow(2).sum() for k in range(4)]
            )
            for k, share in enumerate(scores.softmax(0)):
                expected[b, k] += share * (pixel - layer.codewords[k])
    torch.testing.assert_close(layer(x), expected)


def test_keys_and_start_values():
    layer = Encoding(channels=3, num_codes=4)
    assert {k: tuple(v.shape) for k, v in layer.state_dict().items()} == {
        "codewords": (4, 3),
        "scale": (4,),
    }
    assert layer.codewords.abs().max() <= 12**-0.5
    assert layer.scale.min() >= -1
    assert layer.scale.max() <= 0


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="3, H, W"):
        Encoding(3, 4)(torch.randn(1, 2, 4, 4))
