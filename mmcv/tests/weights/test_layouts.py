import pytest
import torch

from mmcv.backbones import InternViT6B
from mmcv.registry import ConfigError
from mmcv.weights import find_layout, fit_keys, from_intern_vit_keys, to_intern_vit_keys
from mmcv.weights.layouts import LAYOUTS, depth_of, is_vit_key

# InternViT-6B-448px-V1-0's tensors as its repository lists them; one block stands for all.
HUB_6B = {
    "embeddings.class_embedding": (1, 1, 3200),
    "embeddings.patch_embedding.bias": (3200,),
    "embeddings.patch_embedding.weight": (3200, 3, 14, 14),
    "embeddings.position_embedding": (1, 1025, 3200),
    "encoder.layers.{}.attn.k_norm.weight": (3200,),
    "encoder.layers.{}.attn.proj.bias": (3200,),
    "encoder.layers.{}.attn.proj.weight": (3200, 3200),
    "encoder.layers.{}.attn.q_norm.weight": (3200,),
    "encoder.layers.{}.attn.qkv.weight": (9600, 3200),
    "encoder.layers.{}.ls1": (3200,),
    "encoder.layers.{}.ls2": (3200,),
    "encoder.layers.{}.mlp.fc1.bias": (12800,),
    "encoder.layers.{}.mlp.fc1.weight": (12800, 3200),
    "encoder.layers.{}.mlp.fc2.bias": (3200,),
    "encoder.layers.{}.mlp.fc2.weight": (3200, 12800),
    "encoder.layers.{}.norm1.weight": (3200,),
    "encoder.layers.{}.norm2.weight": (3200,),
}
HUB_300M = {
    "embeddings.class_embedding": (1, 1, 1024),
    "embeddings.patch_embedding.bias": (1024,),
    "embeddings.patch_embedding.weight": (1024, 3, 14, 14),
    "embeddings.position_embedding": (1, 1025, 1024),
    "encoder.layers.{}.attn.proj.bias": (1024,),
    "encoder.layers.{}.attn.proj.weight": (1024, 1024),
    "encoder.layers.{}.attn.qkv.bias": (3072,),
    "encoder.layers.{}.attn.qkv.weight": (3072, 1024),
    "encoder.layers.{}.ls1": (1024,),
    "encoder.layers.{}.ls2": (1024,),
    "encoder.layers.{}.mlp.fc1.bias": (4096,),
    "encoder.layers.{}.mlp.fc1.weight": (4096, 1024),
    "encoder.layers.{}.mlp.fc2.bias": (1024,),
    "encoder.layers.{}.mlp.fc2.weight": (1024, 4096),
    "encoder.layers.{}.norm1.bias": (1024,),
    "encoder.layers.{}.norm1.weight": (1024,),
    "encoder.layers.{}.norm2.bias": (1024,),
    "encoder.layers.{}.norm2.weight": (1024,),
}
FULL_SIZE = [
    (HUB_6B, dict(depth=45, img_size=448)),
    (
        HUB_300M,
        dict(
            depth=24,
            img_size=448,
            embed_dim=1024,
            num_heads=16,
            qkv_bias=True,
            qk_normalization=False,
            norm_type="layer_norm",
        ),
    ),
]


@pytest.mark.parametrize(("table", "options"), FULL_SIZE, ids=["6B", "300M"])
@pytest.mark.parametrize("prefix", ["", "vision_model."])
def test_names_and_shapes_of_the_published_models_at_full_size(table, options, prefix):
    names = {
        name.format(i): shape for name, shape in table.items() for i in range(options["depth"])
    }
    with torch.device("meta"):
        stored = {prefix + name: torch.empty(shape) for name, shape in names.items()}
        if prefix:
            stored |= {"mlp1.0.weight": torch.empty(3), "language_model.x.weight": torch.empty(3)}
        model = InternViT6B(out_indices=[0], **options)
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    converted = to_intern_vit_keys(stored)
    assert {name: tuple(value.shape) for name, value in converted.items()} == own
    back = from_intern_vit_keys(converted, "internvl")
    assert {name: tuple(value.shape) for name, value in back.items()} == names


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("prefix", ["", "vision_model.", "model.vision_tower.", "module.backbone."])
def test_round_trip_is_exact_whatever_stands_before_the_names(make_vit, kind, layout, prefix):
    weights = {k: v.bfloat16() for k, v in make_vit(**kind).state_dict().items()}
    theirs = {prefix + k: v for k, v in from_intern_vit_keys(weights, layout).items()}
    found = find_layout(theirs)
    assert found is not None and found == (layout, prefix)
    back = to_intern_vit_keys(theirs)
    assert list(back) == list(weights)
    assert all(torch.equal(back[name], weights[name]) for name in weights)


def test_queries_keys_and_values_are_joined_in_this_order(make_vit, kind):
    weights = make_vit(**kind).state_dict()
    theirs = from_intern_vit_keys(weights, "transformers")
    query = theirs["encoder.layer.1.attention.q_proj.weight"]
    value = theirs["encoder.layer.1.attention.v_proj.weight"]
    assert torch.equal(query, weights["blocks.1.attn.qkv.weight"][:32])
    assert torch.equal(value, weights["blocks.1.attn.qkv.weight"][64:])


def test_a_missing_part_of_qkv_is_named(make_vit):
    theirs = from_intern_vit_keys(make_vit().state_dict(), "transformers")
    del theirs["encoder.layer.0.attention.k_proj.weight"]
    with pytest.raises(ConfigError, match=r"but not encoder\.layer\.0\.attention\.k_proj\.weight"):
        to_intern_vit_keys(theirs)


def test_other_models_are_left_alone():
    weights = {"layer1.0.conv1.weight": torch.zeros(1)}
    assert to_intern_vit_keys(weights) == weights and fit_keys(weights, ["x"]) is weights


def test_several_vits_are_an_error(make_vit):
    weights = make_vit().state_dict()
    both = {f"{part}.{k}": v for part in ("student", "teacher") for k, v in weights.items()}
    with pytest.raises(ConfigError, match=r"several.*'student\.', 'teacher\.'"):
        to_intern_vit_keys(both)
    assert fit_keys(both, ["backbone.x"]) is both


def test_weights_of_a_whole_model_go_below_backbone(make_vit):
    weights = make_vit().state_dict()
    theirs = from_intern_vit_keys(weights, "internvl")
    fitted = fit_keys(theirs, ["backbone.cls_token", "decode_head.conv_seg.weight"])
    assert list(fitted) == [f"backbone.{name}" for name in weights]
    assert list(fit_keys(theirs, ["cls_token"])) == list(weights)


def test_pyramids_are_no_part_of_the_vit(make_vit):
    names = make_vit(with_fpn=True).state_dict()
    assert {k.split(".")[0] for k in names if not is_vit_key(k)} == {"up1", "up2"}
    assert depth_of(names) == 3
