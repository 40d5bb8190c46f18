"""transformers' own InternVL vision model computes what ours computes from the same files."""

import pytest
import torch

from mmcv.backbones import InternViT6B
from mmcv.weights import write_folder

pytestmark = pytest.mark.filterwarnings("ignore")
transformers = pytest.importorskip("transformers")


def theirs_from(folder):
    from transformers.models.internvl.modeling_internvl import InternVLVisionModel

    return InternVLVisionModel.from_pretrained(folder).eval()


@torch.no_grad()
def patches(model, images):
    hidden = model(images).last_hidden_state[:, 1:]
    side = int(hidden.shape[1] ** 0.5)
    return hidden.transpose(1, 2).unflatten(2, (side, side))


def test_outputs_from_files_we_wrote_are_equal(tmp_path, make_vit, kind):
    model = make_vit(**kind)
    write_folder(tmp_path, model.state_dict(), "transformers", num_heads=2)
    images = torch.randn(2, 3, 28, 28)
    with torch.no_grad():
        ours = model(images)[0]
    torch.testing.assert_close(ours, patches(theirs_from(tmp_path), images), atol=1e-4, rtol=1e-4)


def test_outputs_from_files_they_wrote_are_equal(tmp_path, kind):
    from transformers.models.internvl.modeling_internvl import (
        InternVLVisionConfig,
        InternVLVisionModel,
    )

    torch.manual_seed(0)
    config = InternVLVisionConfig(
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=128,
        image_size=28,
        patch_size=7,
        norm_type=kind["norm_type"],
        attention_bias=kind["qkv_bias"],
        use_qk_norm=kind["qk_normalization"],
    )
    theirs = InternVLVisionModel(config).eval()
    with torch.no_grad():
        for param in theirs.parameters():
            param.normal_(0, 0.3)
    theirs.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    sizes = dict(embed_dim=32, num_heads=2, depth=3, img_size=28, patch_size=7, out_indices=[2])
    model = InternViT6B(**sizes, **kind, pretrained=str(tmp_path)).eval()
    model.init_weights()
    images = torch.randn(2, 3, 28, 28)
    with torch.no_grad():
        ours = model(images)[0]
    torch.testing.assert_close(ours, patches(theirs, images), atol=1e-4, rtol=1e-4)
