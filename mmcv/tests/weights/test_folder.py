import json

import pytest
import torch

from mmcv.runner.checkpoint_loader import CheckpointLoader
from mmcv.runner.files import CheckpointError
from mmcv.weights import describe, is_weights_folder, read_folder, to_intern_vit_keys, write_folder


def same(one, two):
    assert one.keys() == two.keys()
    assert all(torch.equal(one[k], two[k]) and one[k].dtype == two[k].dtype for k in one)


@pytest.mark.parametrize("layout", ["internvl", "transformers"])
@pytest.mark.parametrize("shard_bytes", [10**9, 20_000])
def test_what_was_written_is_read_back(tmp_path, make_vit, kind, layout, shard_bytes):
    weights = make_vit(**kind).half().state_dict()
    files = write_folder(tmp_path, weights, layout, num_heads=2, shard_bytes=shard_bytes)
    assert (len(files) > 1) == (shard_bytes < 10**9)
    assert is_weights_folder(tmp_path)
    same(to_intern_vit_keys(read_folder(tmp_path)), weights)
    content = CheckpointLoader.load_checkpoint(str(tmp_path))
    same(to_intern_vit_keys(content["state_dict"]), weights)


def test_pickled_shards_are_read_too(tmp_path, make_vit):
    weights = make_vit().state_dict()
    names = list(weights)
    shards = {"pytorch_model-1.bin": names[:9], "pytorch_model-2.bin": names[9:]}
    for file, part in shards.items():
        torch.save({name: weights[name] for name in part}, tmp_path / file)
    table = {name: file for file, part in shards.items() for name in part}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": table}))
    torch.save({"other": torch.zeros(1)}, tmp_path / "training_args.bin")  # not in the index
    same(read_folder(tmp_path), weights)
    (tmp_path / "pytorch_model-2.bin").unlink()
    with pytest.raises(CheckpointError, match=r"1 of 2 shards are missing: pytorch_model-2\.bin"):
        read_folder(tmp_path)


def test_a_tensor_that_no_shard_has_is_named(tmp_path, make_vit):
    weights = make_vit().state_dict()
    torch.save(weights, tmp_path / "a.bin")
    table = {"weight_map": {**dict.fromkeys(weights, "a.bin"), "lost.weight": "a.bin"}}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(table))
    with pytest.raises(CheckpointError, match=r"no shard has 'lost\.weight'"):
        read_folder(tmp_path)


def test_config_json_describes_the_model(tmp_path, make_vit, kind):
    write_folder(tmp_path, make_vit(**kind).state_dict(), "transformers", num_heads=2)
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["hidden_size"], config["num_hidden_layers"], config["image_size"]) == (32, 3, 28)
    assert config["norm_type"] == kind["norm_type"]
    assert config["use_qk_norm"] == kind["qk_normalization"]


def test_describe_gives_the_arguments_of_the_backbone(make_vit, kind):
    model = make_vit(**kind)
    settings = describe(model.state_dict(), num_heads=2)
    again = make_vit(**settings)
    assert again.state_dict().keys() == model.state_dict().keys()
