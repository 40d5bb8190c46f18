"""mmcv.settings: what is wrong with a config is said before anything is built."""

import copy
import logging
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mmcv.config import Config
from mmcv.registry import ConfigError, did_you_mean
from mmcv.settings import SECTIONS, validate, validate_sections
from mmcv.settings_sections import (
    CheckpointSection,
    DataSection,
    DistSection,
    LogSection,
    OptimizerHookSection,
)

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(ROOT.glob("mm*/configs/**/*.py"))
GOOD = {
    "model": {"type": "EncoderDecoder", "anything": 1},
    "data": {
        "samples_per_gpu": 2,
        "workers_per_gpu": 0,
        "train": {"type": "ADE20KDataset"},
        "val": [{"type": "A"}, {"type": "B"}],
        "train_dataloader": {"anything": 1},
    },
    "optimizer": {"type": "SGD", "lr": 0.1},
    "optimizer_config": {"grad_clip": {"max_norm": 35, "norm_type": 2}},
    "lr_config": {"policy": "poly", "anything": 1},
    "runner": {"type": "IterBasedRunner", "max_iters": 10, "anything": 1},
    "checkpoint_config": {"interval": 5, "by_epoch": False, "deepspeed": True},
    "log_config": {"interval": 50, "hooks": [{"type": "TextLoggerHook", "anything": 1}]},
    "evaluation": {"interval": 5, "metric": "mIoU", "anything": 1},
    "custom_hooks": [{"type": "EMAHook", "priority": 49}],
    "workflow": [("train", 1)],
    "dist_params": {"backend": "nccl"},
    "log_level": "INFO",
    "load_from": None,
    "resume_from": None,
    "cudnn_benchmark": True,
    "img_norm_cfg": {"mean": [0]},
    "crop_size": (504, 504),
}
MISSING = object()


def changed(path, value):
    """Returns the good config with ``value`` at a dotted path."""
    cfg = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    section = cfg
    for key in parents:
        section = section[key]
    if value is MISSING:
        del section[last]
    else:
        section[last] = value
    return cfg


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_config_passes(path, caplog):
    validate(Config.fromfile(path))
    assert not caplog.records


def test_a_good_config_passes_and_stays_as_it_is(caplog):
    for cfg in (copy.deepcopy(GOOD), Config(copy.deepcopy(GOOD))):
        before = copy.deepcopy(cfg)
        validate(cfg)
        assert cfg == before
    assert not caplog.records


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.val", None),
        ("data.train", [{"type": "A"}, {"type": "B"}]),
        ("data.persistent_workers", False),
        ("optimizer", {"generator": {"type": "SGD"}, "critic": {"type": "SGD"}}),
        ("optimizer_config", {}),
        ("optimizer_config", None),
        ("optimizer_config", {"type": "MyOptimizerHook", "anything": 1}),
        ("checkpoint_config", {"type": "MyCheckpointHook", "anything": 1}),
        ("checkpoint_config.max_keep_ckpts", -1),
        ("lr_config", None),
        ("runner", {"type": "MyRunner", "max_epochs": 3}),
        ("evaluation", {}),
        ("evaluation.metric", ["bbox", "segm"]),
        ("fp16", {"loss_scale": "dynamic"}),
        ("fp16", {"loss_scale": {"init_scale": 512.0}}),
        ("gradient_cumulative", {"cumulative_iters": 4}),
        ("deepspeed", False),
        ("workflow", [["train", 1]]),
        ("custom_hooks", []),
        ("log_level", logging.DEBUG),
        ("gpu_ids", range(2)),
        ("seed", 0),
    ],
)
def test_other_legal_values(path, value):
    validate(changed(path, value))


@pytest.mark.parametrize("config", ["zero1_bf16", {"zero_optimization": {}}, "zero_configs/a.json"])
def test_deepspeed_takes_a_path_a_dict_or_a_preset(config):
    validate({**GOOD, "deepspeed": True, "deepspeed_config": config})


def test_objects_in_place_of_sections_are_left_alone():
    class Hook:
        """What 1.x code puts into a config by hand."""

    validate(changed("checkpoint_config", Hook()))
    validate(changed("custom_hooks", [Hook()]))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "checkpoint_config.intervall",
            5,
            "checkpoint_config got .*'intervall'; did you mean 'int",
        ),
        ("checkpoint_config.interval", 0, "checkpoint_config.interval=0 should be greater than 0"),
        ("checkpoint_config.interval", -1, "checkpoint_config.interval=-1"),
        ("data.sample_per_gpu", 2, "data got .*did you mean 'samples_per_gpu'"),
        ("data.imgs_per_gpu", 2, "data got .*it is 'samples_per_gpu' now"),
        ("data.samples_per_gpu", "2", "data.samples_per_gpu='2' should be a valid integer"),
        ("data.samples_per_gpu", True, "data.samples_per_gpu=True"),
        ("data.train", {"typ": "A"}, "data.train=.*no key 'type'; is 'typ' a misspelling"),
        ("data.train", [{"type": "A"}, {"a": 1}], "data.train=.*at index 1: has no key 'type'"),
        ("data.train", MISSING, "data.train is missing"),
        ("data.train", None, "data.train is missing"),
        ("data", [], r"data=\[\] should be a dict"),
        ("model", {"typ": "A"}, "model=.*no key 'type'"),
        ("model", "EncoderDecoder", "model='EncoderDecoder' should be a dict with"),
        ("optimizer", {"lr": 1}, "optimizer=.*no key 'type'"),
        ("optimizer_config.grad_clip", {"maxnorm": 1}, "grad_clip got .*did you mean 'max_norm'"),
        ("optimizer_config.grad_clip", {"norm_type": 2}, "grad_clip.max_norm is missing"),
        ("optimizer_config.grad_clip.max_norm", 0, "max_norm=0 should be greater"),
        ("lr_config", {"polcy": "poly"}, "lr_config.policy is missing; is 'polcy' a misspelling"),
        ("runner", {"type": "IterBasedRunner"}, "runner.max_iters is missing for Iter"),
        ("runner", {"type": "EpochBasedRunner", "max_iters": 3}, "runner.max_epochs is missing"),
        ("runner", {"type": "IterBasedRunner", "max_iter": 3}, "is 'max_iter' a misspelling"),
        ("runner", {"type": "MyRunner"}, "runner.max_iters or max_epochs is missing"),
        ("runner", {"max_iters": 3}, "runner.type is missing"),
        ("runner.max_epochs", 3, "only one of max_iters and max_epochs"),
        ("runner.max_iters", 0, "runner.max_iters=0"),
        ("log_config", {"interval": 50}, "log_config.hooks is missing"),
        ("log_config.interval", 0, "log_config.interval=0"),
        ("log_config.hooks", [{"typ": "A"}], r"log_config.hooks\[0\]=.*no key 'type'"),
        ("evaluation.interval", 0, "evaluation.interval=0"),
        ("evaluation.rule", "grater", "evaluation.rule='grater'.*did you mean 'greater'"),
        ("custom_hooks", {"type": "A"}, "custom_hooks=.* should be a list"),
        ("workflow", [("train", 1), ("val", 1)], r"workflow=.*evaluation=dict\(interval=\.\.\.\)"),
        ("workflow", [("train", 2)], r"only \[\('train', 1\)\]"),
        ("workflow", ["train", 1], "workflow="),
        ("workflow", 1, "workflow=1 should be a list"),
        ("deepspeed", 1, "deepspeed=1 should be a valid boolean"),
        ("deepspeed", True, "deepspeed_config is missing"),
        ("deepspeed_config", 3, "deepspeed_config=3 should be a path, a dict, or"),
        ("dist_params", "nccl", "dist_params='nccl' should be a dict"),
        ("dist_params.backnd", "nccl", "dist_params got .*did you mean 'backend'"),
        ("fp16", {"loss_scale": "dyn"}, "fp16.loss_scale='dyn'"),
        ("gradient_cumulative", {}, "gradient_cumulative.cumulative_iters is missing"),
        ("log_level", "info", "log_level='info' should be one of .*did you mean 'INFO'"),
        ("seed", -1, "seed=-1"),
        ("resume_from", 3, "resume_from=3"),
        ("mp_start_method", "frok", "mp_start_method='frok'.*did you mean 'fork'"),
        ("total_iters", 20, "total_iters=20 contradicts runner.max_iters=10"),
        ("data", MISSING, "data is missing"),
        ("optimizer", MISSING, "optimizer is missing"),
        ("runner", MISSING, "runner is missing: runner=dict"),
    ],
)
def test_errors_name_the_key_the_value_and_the_cure(path, value, message):
    with pytest.raises(ConfigError, match=message):
        validate(changed(path, value))


def test_all_problems_are_reported_at_once():
    cfg = changed("seed", -1)
    cfg["data"]["sample_per_gpu"] = 2
    with pytest.raises(ConfigError) as error:
        validate(cfg)
    assert len(str(error.value).splitlines()) == 2


def test_long_values_are_cut_short():
    with pytest.raises(ConfigError) as error:
        validate(changed("model", {"typ": "x" * 1000}))
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("optimiser", "optimizer"),
        ("evalution", "evaluation"),
        ("lr_cfg", "lr_config"),
        ("custom_hook", "custom_hooks"),
        ("total_epoch", "total_epochs"),
    ],
)
def test_a_near_miss_of_a_section_is_logged(caplog, name, section):
    validate({**GOOD, name: 1})
    assert repr(name) in caplog.text and f"did you mean {section!r}" in caplog.text


@pytest.mark.parametrize("name", ["pretrained", "norm_cfg", "checkpoint", "classes", "data_root"])
def test_variables_of_users_are_not_logged(caplog, name):
    validate({**GOOD, name: 1})
    assert not caplog.records


def test_a_missing_section_names_its_misspelling():
    cfg = changed("optimizer", MISSING)
    with pytest.raises(ConfigError, match="optimizer is missing; is 'optimiser' a misspelling"):
        validate({**cfg, "optimiser": {"type": "SGD"}})


@pytest.mark.parametrize("value", [MISSING, None, {"by_epoch": False}])
def test_a_run_that_saves_nothing_in_between_is_logged(caplog, value):
    validate(changed("checkpoint_config", value))
    assert "checkpoint_config.interval is not set" in caplog.text


def test_load_from_without_effect_is_logged(caplog):
    validate({**GOOD, "load_from": "a.pth", "resume_from": "b.pth"})
    assert "load_from has no effect" in caplog.text


def test_older_run_lengths_stand_in_for_the_runner():
    validate({**changed("runner", MISSING), "total_epochs": 12})
    validate({**GOOD, "total_iters": 10})


def test_for_testing_a_config_needs_no_training_parts():
    cfg = {"model": GOOD["model"], "data": {"test": {"type": "A"}}}
    validate(cfg)
    validate_sections(changed("data.train", MISSING))
    with pytest.raises(ConfigError, match="data got"):
        validate_sections({"data": {"tset": {"type": "A"}}})


CLOSED = {
    "checkpoint_config": CheckpointSection,
    "data": DataSection,
    "dist_params": DistSection,
    "log_config": LogSection,
    "optimizer_config": OptimizerHookSection,
}


@given(st.sampled_from(sorted(CLOSED)), st.data())
def test_any_misspelt_key_of_a_closed_section_is_found(section, data):
    keys = list(CLOSED[section].model_fields)
    key = data.draw(st.sampled_from(keys))
    index = data.draw(st.integers(0, len(key) - 1))
    wrong = key[:index] + data.draw(st.sampled_from(["", "x", "_"])) + key[index + 1 :]
    assume(wrong not in keys and wrong)
    cfg = copy.deepcopy(GOOD)
    cfg[section][wrong] = 1
    with pytest.raises(ConfigError) as error:
        validate(cfg)
    assert f"{section} got an unexpected key {wrong!r}" in str(error.value)
    assert did_you_mean(wrong, keys) in str(error.value)


@given(st.dictionaries(st.sampled_from(SECTIONS), st.integers() | st.text() | st.lists(st.none())))
def test_whatever_a_config_holds_the_only_error_is_a_config_error(values):
    try:
        validate(values)
    except ConfigError as error:
        assert str(error)
