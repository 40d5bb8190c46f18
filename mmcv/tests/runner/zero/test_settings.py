"""deepspeed_config: what is read, filled in, and refused."""

from __future__ import annotations

import json
import logging
import re

import pytest
import torch

from mmcv.config import Config
from mmcv.registry import ConfigError
from mmcv.runner.zero.presets import PRESET_NAMES
from mmcv.runner.zero.settings import (
    engine_dtype,
    load_deepspeed_config,
    read_deepspeed_config,
    zero_stage,
)


def make_cfg(samples_per_gpu=2, filename=None, **optimizer_config):
    content = {
        "data": {"samples_per_gpu": samples_per_gpu},
        "optimizer_config": optimizer_config or None,
    }
    return Config(content, filename=filename)


def load(value, cfg=None, world_size=4):
    return load_deepspeed_config(value, cfg or make_cfg(), world_size=world_size)


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_every_preset_says_what_its_name_says(name, monkeypatch):
    monkeypatch.setattr("mmcv.runner.zero.checks._has_fp16", lambda: True)
    stage, dtype, *offload = re.findall(r"zero(\d)_([a-z0-9]+)(_offload)?", name)[0]
    settings = load(name)
    assert zero_stage(settings) == int(stage)
    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    assert engine_dtype(settings) == dtypes[dtype]
    zero = settings["zero_optimization"]
    assert ("offload_optimizer" in zero) == bool(offload[0])
    assert ("offload_param" in zero) == (bool(offload[0]) and stage == "3")


def test_offload_at_stage_0_is_refused():
    with pytest.raises(ConfigError, match="zero1_bf16_offload"):
        load("zero0_bf16_offload")


def test_batch_sizes_are_filled_in_from_the_config():
    settings = load("zero1_fp32", make_cfg(3, cumulative_iters=5), world_size=4)
    assert settings["train_batch_size"] == 60
    assert settings["train_micro_batch_size_per_gpu"] == 3
    assert settings["gradient_accumulation_steps"] == 5


def test_batch_size_of_the_training_loader_wins():
    cfg = make_cfg(3)
    cfg["data"]["train_dataloader"] = {"samples_per_gpu": 7}
    assert load({}, cfg, world_size=1)["train_micro_batch_size_per_gpu"] == 7


def test_json_of_the_original_is_accepted_with_the_processes_it_was_made_for(tmp_path, caplog):
    path = tmp_path / "adam_zero1_bf16.json"
    path.write_text(
        json.dumps(
            {
                "train_batch_size": 16,
                "gradient_accumulation_steps": 1,
                "optimizer": {"type": "Adam", "params": {"lr": 4e-5}},
                "bf16": {"enabled": True},
                "zero_optimization": {"stage": 1, "reduce_bucket_size": 5e8, "overlap_comm": True},
                "log": {"steps_per_print": 50},
            }
        )
    )
    with caplog.at_level(logging.INFO):
        settings = load(str(path), world_size=8)
    assert "optimizer" not in settings
    assert "optimizer section is ignored" in caplog.text
    # Absent means 1.0 to DeepSpeed 0.19, which meant 0 when the json was written.
    assert settings["gradient_clipping"] == 0.0
    assert engine_dtype(settings) == torch.bfloat16


@pytest.mark.parametrize("world_size", [1, 4, 16])
def test_other_number_of_processes_is_refused_with_the_ways_out(tmp_path, world_size):
    path = tmp_path / "zero.json"
    path.write_text(json.dumps({"train_batch_size": 16}))
    with pytest.raises(ConfigError) as error:
        load(str(path), world_size=world_size)
    message = str(error.value)
    assert str(path) in message
    assert '"train_batch_size": 16' in message
    assert f'write "train_batch_size": {2 * world_size} there' in message
    assert f"processes ({world_size})" in message
    assert "start 8 processes" in message
    if world_size < 16:
        assert f"data.samples_per_gpu={16 // world_size}" in message


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"train_micro_batch_size_per_gpu": 4}, "data.samples_per_gpu=4"),
        ({"gradient_accumulation_steps": 3}, "optimizer_config.cumulative_iters=3"),
        ({"scheduler": {"type": "WarmupLR"}}, "lr_config"),
        ({"bf16": {"enabled": True}, "fp16": {"enabled": True}}, "disable one"),
        (
            {"bf16": {"enabled": True}, "data_types": {"grad_accum_dtype": "fp32"}},
            '"stage": 1',
        ),
    ],
)
def test_settings_that_contradict_the_config_are_refused(settings, named):
    with pytest.raises(ConfigError, match=re.escape(named)):
        load(settings)


def test_auto_is_as_if_absent():
    auto = {"train_batch_size": "auto", "gradient_clipping": "auto"}
    settings = load(auto, make_cfg(grad_clip={"max_norm": 0.5}))
    assert settings["train_batch_size"] == 8
    assert settings["gradient_clipping"] == 0.5


def test_clipping_comes_from_either_place():
    assert load({"gradient_clipping": 0.7})["gradient_clipping"] == 0.7
    both = load({"gradient_clipping": 0.7}, make_cfg(grad_clip={"max_norm": 0.7, "norm_type": 2}))
    assert both["gradient_clipping"] == 0.7
    assert load({}, make_cfg(grad_clip=None))["gradient_clipping"] == 0.0


def test_two_different_clippings_are_refused_naming_both():
    with pytest.raises(ConfigError, match=r"grad_clip\.max_norm is 0\.1.*gradient_clipping.*1\.0"):
        load({"gradient_clipping": 1.0}, make_cfg(grad_clip={"max_norm": 0.1}))


def test_other_norm_types_are_refused():
    with pytest.raises(ConfigError, match="norm_type is 1"):
        load({}, make_cfg(grad_clip={"max_norm": 1.0, "norm_type": 1}))


def test_fp16_without_a_device_for_it_names_the_line_to_change(monkeypatch):
    monkeypatch.setattr("mmcv.runner.zero.checks._has_fp16", lambda: False)
    with pytest.raises(ConfigError, match=re.escape('"bf16": {"enabled": true}')):
        load({"fp16": {"enabled": True}})


def test_offload_to_disk_is_refused_with_the_reason():
    value = {"zero_optimization": {"stage": 3, "offload_param": {"device": "nvme"}}}
    with pytest.raises(ConfigError, match=r'"offload_param".*missing in checkpoints; write "cpu"'):
        load(value)


@pytest.mark.parametrize(
    ("key", "stage", "needed"), [("offload_param", 2, 3), ("offload_optimizer", 0, 1)]
)
def test_offload_that_the_stage_does_not_have_is_refused(key, stage, needed):
    value = {"zero_optimization": {"stage": stage, key: {"device": "cpu"}}}
    with pytest.raises(
        ConfigError, match=f'"{key}" needs .*"stage": {needed}.*the stage is {stage}'
    ):
        load(value)
    value["zero_optimization"]["stage"] = needed
    assert load(value)["zero_optimization"][key] == {"device": "cpu"}


def test_unused_parameters_with_stage_3_are_refused():
    cfg = make_cfg()
    cfg["find_unused_parameters"] = True
    load("zero2_fp32", cfg)
    with pytest.raises(ConfigError, match="find_unused_parameters=True with ZeRO-3.*use stage 2"):
        load("zero3_fp32", cfg)


def test_fp16_of_the_config_is_refused():
    cfg = make_cfg()
    cfg["fp16"] = {"loss_scale": 512.0}
    with pytest.raises(ConfigError, match="fp16="):
        load("zero1_fp32", cfg)


def test_path_is_found_above_the_config_file(tmp_path, monkeypatch):
    task = tmp_path / "task"
    (task / "zero_configs").mkdir(parents=True)
    (task / "zero_configs" / "z.json").write_text('{"zero_optimization": {"stage": 2}}')
    (task / "configs").mkdir()
    (task / "configs" / "b.py").touch()
    cfg = make_cfg(filename=str(task / "configs" / "b.py"))
    monkeypatch.chdir(tmp_path)
    assert zero_stage(load("zero_configs/z.json", cfg)) == 2
    # The working directory comes first.
    (tmp_path / "zero_configs").mkdir()
    (tmp_path / "zero_configs" / "z.json").write_text('{"zero_optimization": {"stage": 1}}')
    assert zero_stage(load("zero_configs/z.json", cfg)) == 1


def test_missing_file_suggests_the_nearest(tmp_path, monkeypatch):
    (tmp_path / "adam_zero1_bf16.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"did you mean 'adam_zero1_bf16\.json'"):
        load("adam_zero1_bf61.json")
    with pytest.raises(ConfigError, match="did you mean 'zero2_bf16'"):
        load("zero2_b16")


@pytest.mark.parametrize(
    ("text", "reason"), [("{", "not valid json"), ("[1]", "holds a list, not a dict")]
)
def test_file_that_is_no_json_dict_is_named(tmp_path, text, reason):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"{re.escape(str(path))} .*{reason}"):
        load(str(path))


def test_other_types_are_refused():
    with pytest.raises(ConfigError, match="neither a path"):
        load(3)


def test_precision_is_known_without_the_processes_of_the_training():
    value = {"train_batch_size": 16, "bf16": {"enabled": True}}
    settings = read_deepspeed_config(value, make_cfg())
    assert engine_dtype(settings) == torch.bfloat16


def test_dict_of_the_config_is_not_changed():
    value = {"zero_optimization": {"stage": 1}, "optimizer": {"type": "Adam"}}
    load(value)["zero_optimization"]["stage"] = 3
    assert value == {"zero_optimization": {"stage": 1}, "optimizer": {"type": "Adam"}}
