import pytest
import torch

from mmcv.backbones import InternViT6B

SIX_B = dict(norm_type="rms_norm", qkv_bias=False, qk_normalization=True)
SMALL_ONE = dict(norm_type="layer_norm", qkv_bias=True, qk_normalization=False)


@pytest.fixture(params=[SIX_B, SMALL_ONE], ids=["6B", "300M"])
def kind(request):
    return request.param


@pytest.fixture
def make_vit():
    """Returns a function that makes a tiny InternViT with random weights everywhere."""

    def make(seed=0, **options):
        torch.manual_seed(seed)
        sizes = dict(embed_dim=32, num_heads=2, depth=3, img_size=28, patch_size=7)
        model = InternViT6B(**{**sizes, "out_indices": [2], "with_cp": False, **options})
        with torch.no_grad():
            for param in model.parameters():
                param.normal_(0, 0.3)
        return model.eval()

    return make
