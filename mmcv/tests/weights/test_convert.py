import re

import pytest
import torch

from mmcv.backbones import InternViT6B
from mmcv.registry import ConfigError
from mmcv.weights import check_depth, read_folder
from mmcv.weights.convert import digest, main


def test_to_a_folder_and_back_keeps_every_bit(tmp_path, make_vit, kind, capsys):
    weights = make_vit(with_fpn=True, **kind).bfloat16().state_dict()
    whole = {f"backbone.{k}": v for k, v in weights.items()}
    whole["decode_head.conv_seg.weight"] = torch.zeros(3)
    torch.save({"state_dict": whole, "meta": {}}, tmp_path / "segmentor.pth")
    heads = ["--num-heads", "2"]
    main([str(tmp_path / "segmentor.pth"), str(tmp_path / "hf"), "--to", "transformers", *heads])
    main([str(tmp_path / "hf"), str(tmp_path / "back.pth")])
    back = torch.load(tmp_path / "back.pth", weights_only=True)["module"]
    assert back.keys() == {name for name in weights if not name.startswith("up")}
    assert all(torch.equal(back[name], weights[name]) for name in back)
    out = capsys.readouterr().out
    assert f"norm_type={kind['norm_type']}" in out and "depth=3" in out
    assert digest(tmp_path / "back.pth") in out


def test_dtype_and_shards(tmp_path, make_vit):
    torch.save(make_vit().state_dict(), tmp_path / "vit.pth")
    arguments = ["--to", "internvl", "--num-heads", "2", "--dtype", "bf16", "--shard-gb", "2e-5"]
    main([str(tmp_path / "vit.pth"), str(tmp_path / "hf"), *arguments])
    assert len(list((tmp_path / "hf").glob("model-*-of-*.safetensors"))) > 1
    assert {v.dtype for v in read_folder(tmp_path / "hf").values()} == {torch.bfloat16}


def test_errors_are_one_line(tmp_path, capsys):
    torch.save({"a.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "other.pth"), str(tmp_path / "out.pth")])
    error = capsys.readouterr().err
    assert re.fullmatch(r"error: .*other\.pth: no InternViT in any known layout.*\n", error)


def test_too_few_blocks_are_an_error_that_names_the_config_keys(make_vit):
    weights = make_vit().state_dict()
    check_depth(weights, 3, "vit.pth", "model.backbone.pretrained")
    with pytest.raises(ConfigError, match=r"vit\.pth has 3 blocks, but.* depth = 4: 1 blocks"):
        check_depth(weights, 4, "vit.pth", "model.backbone.pretrained")
    names = {f"blocks.{i}.x": torch.zeros(1) for i in range(45)}
    with pytest.raises(ConfigError, match=r"45 blocks \(InternViT-6B-448px.*num_layers=45"):
        check_depth(names, 48, "vit.pth", "model.backbone.pretrained")


def test_more_blocks_than_the_config_has_are_a_warning(make_vit, caplog):
    check_depth(make_vit().state_dict(), 2, "vit.pth", "key")
    assert "the last 1 blocks are not used" in caplog.text


def test_a_config_with_another_depth_ends_before_training(tmp_path, make_vit):
    torch.save({"module": make_vit().state_dict()}, tmp_path / "vit.pth")
    sizes = dict(embed_dim=32, num_heads=2, img_size=28, patch_size=7, out_indices=[0])
    model = InternViT6B(**sizes, depth=5, pretrained=str(tmp_path / "vit.pth"))
    with pytest.raises(ConfigError, match=r"has 3 blocks, but the config has depth = 5"):
        model.init_weights()
