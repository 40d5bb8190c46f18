import json
import logging
import re

import pytest
import torch

from mmcv.config import Config
from mmcv.runner.launch import build_model

TRAIN_KEYS = {
    "mode",
    "epoch",
    "iter",
    "lr",
    "memory",
    "data_time",
    "time",
    "decode.loss_ce",
    "decode.acc_seg",
    "loss",
    "grad_norm",
}


def rows(work_dir):
    return [json.loads(row) for row in next(work_dir.glob("*.json")).read_text().splitlines()]


@pytest.fixture(scope="module")
def finished(train_whole):
    return train_whole("optimizer_config = dict(grad_clip=dict(max_norm=1.0))")


def test_files_in_the_work_dir(finished):
    names = sorted(re.sub(r"\d{8}_\d{6}", "<time>", p.name) for p in finished.iterdir())
    assert names == [
        "<time>.log",
        "<time>.log.json",
        "best_mIoU_iter_12.pth",
        "iter_12.pth",
        "iter_8.pth",
        "latest.pth",
        "toy.py",
    ]
    assert (finished / "latest.pth").resolve().name == "iter_12.pth"


def test_keys_of_the_json_log(finished):
    first, *others = rows(finished)
    assert {"env_info", "seed", "exp_name", "toy_version"} <= set(first)
    train = [row for row in others if row["mode"] == "train"]
    val = [row for row in others if row["mode"] == "val"]
    # No CUDA, no memory.
    assert all(set(row) | {"memory"} == TRAIN_KEYS for row in train)
    assert all({"mode", "epoch", "iter", "lr", "aAcc", "mIoU"} == set(row) for row in val)
    assert [row["iter"] for row in train] == [2, 4, 6, 8, 10, 12]
    assert len(val) == 3


def test_what_a_checkpoint_holds(finished):
    checkpoint = torch.load(finished / "iter_12.pth", weights_only=True)
    meta = checkpoint["meta"]
    assert meta["CLASSES"] == ("a", "b", "c") and meta["seed"] == 0 and meta["iter"] == 12
    assert meta["toy_version"] == "1.0" and meta["exp_name"] == "toy.py"
    assert meta["hook_msgs"]["last_ckpt"].endswith("iter_12.pth")
    assert Config.fromstring(meta["config"], ".py").runner.max_iters == 12
    assert {"state_dict", "optimizer", "rng", "position", "hooks"} <= set(checkpoint)


def test_the_dumped_config_trains_to_the_same_weights(finished, train, tmp_path):
    flags = ("--seed", "0", "--cfg-options", "runner.max_iters=4")
    train(finished / "toy.py", tmp_path / "w", *flags)
    assert Config.fromfile(tmp_path / "w" / "toy.py").runner.max_iters == 4
    found = torch.load(tmp_path / "w" / "iter_4.pth")["meta"]
    assert found["iter"] == 4


def test_the_log_says_what_the_run_depends_on(finished):
    log = next(finished.glob("*.log")).read_text()
    for text in (
        "Environment info:",
        "PyTorch: ",
        "Distributed training: False",
        "Config:\nmodel = dict(",
        "Set random seed to 0, deterministic: False",
        "trainable parameters: 131 of 131",
        "Checkpoints will be saved to",
        "Saving checkpoint at 4 iterations",
        "Best mIoU is",
    ):
        assert text in log, text


def test_evaluation_can_be_left_out(train, config, tmp_path):
    train(config("runner = dict(type='IterBasedRunner', max_iters=4)"), tmp_path / "w")
    train(
        config("runner = dict(type='IterBasedRunner', max_iters=4)"),
        tmp_path / "v",
        "--no-validate",
    )
    assert list((tmp_path / "w").glob("best_*")) and not list((tmp_path / "v").glob("best_*"))


def test_a_seed_is_drawn_logged_and_kept_when_resuming(train, config, tmp_path):
    path = config("runner = dict(type='IterBasedRunner', max_iters=4)")
    train(path, tmp_path / "w")
    seed = torch.load(tmp_path / "w" / "iter_4.pth")["meta"]["seed"]
    longer = config("runner = dict(type='IterBasedRunner', max_iters=8)")
    train(longer, tmp_path / "w", "--auto-resume")
    assert torch.load(tmp_path / "w" / "iter_8.pth")["meta"]["seed"] == seed
    train(longer, tmp_path / "v")
    assert torch.load(tmp_path / "v" / "iter_8.pth")["meta"]["seed"] != seed


def test_load_from_takes_weights_only(finished, train, config, tmp_path, caplog):
    path = config("runner = dict(type='IterBasedRunner', max_iters=1)", "optimizer['lr'] = 0.0")
    train(path, tmp_path / "w", "--load-from", str(finished / "iter_8.pth"))
    old = torch.load(finished / "iter_8.pth")
    new = torch.load(tmp_path / "w" / "iter_1.pth")
    assert torch.equal(old["state_dict"]["head.weight"], new["state_dict"]["head.weight"])
    assert new["meta"]["iter"] == 1


def test_resume_from_a_work_dir(finished, train, config, tmp_path):
    path = config("runner = dict(type='IterBasedRunner', max_iters=14)")
    train(path, tmp_path / "w", "--resume-from", str(finished))
    assert torch.load(tmp_path / "w" / "iter_14.pth")["meta"]["iter"] == 14


def test_gradients_can_be_accumulated_by_either_key(train, config, tmp_path):
    for name, line in (
        ("a", "gradient_cumulative = dict(cumulative_iters=2)"),
        ("b", "optimizer_config = dict(cumulative_iters=2)"),
    ):
        train(config(line), tmp_path / name, "--seed", "0", "--no-validate")
    a, b = (torch.load(tmp_path / name / "iter_12.pth")["state_dict"] for name in "ab")
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_precision_of_the_backbone(train, config, tmp_path):
    train(config("custom_hooks = [dict(type='ToBFloat16Hook', priority=49)]"), tmp_path / "w")
    weights = torch.load(tmp_path / "w" / "iter_12.pth")["state_dict"]
    assert weights["backbone.weight"].dtype == torch.bfloat16
    assert weights["head.weight"].dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model['tpye'] = 'ToyModel'", "model"),
        ("model['type'] = 'ToyModle'", "model: 'ToyModle' is not a registered model; did you mean"),
        ("model['chanels'] = 4", "model: ToyModel got an unexpected key 'chanels'"),
        ("optimizer['type'] = 'AdmW'", "optimizer: 'AdmW' is not a registered optimizer"),
        ("optimizer['weight_dcay'] = 1", "optimizer: AdamW got an unexpected key 'weight_dcay'"),
        ("lr_config['policy'] = 'ploy'", "lr_config"),
        ("runner['max_itres'] = 5", "runner"),
        ("data['train']['root'] = '/nowhere'", "data.train: the folder '/nowhere' does not exist"),
        ("data['train']['sise'] = 3", "data.train: ToyDataset got an unexpected key 'sise'"),
        ("evaluation['metrc'] = 3", "evaluation: evaluate got an unexpected key 'metrc'"),
        (
            "evaluation['metric'] = 'mIou'",
            "evaluation: 'mIou' is not a metric; did you mean 'mIoU'",
        ),
        ("evaluation['save_best'] = 'fine'", "evaluation: Cannot infer the rule for key fine"),
        ("checkpoint_config['intervall'] = 3", "checkpoint_config"),
        ("optimizer_config['grad_clip'] = dict(max_nrom=1)", "max_norm"),
        ("custom_hooks = [dict(type='EMAHok')]", "custom_hooks[0]: 'EMAHok' is not a registered"),
        ("workflow = [('train', 1), ('val', 1)]", "workflow"),
        ("load_from = '/no/where.pth'", "/no/where.pth is not a checkpoint file"),
        ("resume_from = '/no/where.pth'", "resume_from: '/no/where.pth' does not exist"),
        ("del runner", "runner"),
        ("deepspeed = True\ndeepspeed_config = dict(train_batch_size=16)", "train_batch_size"),
        ("deepspeed = True\ndeepspeed_config = 'zero_configs/none.json'", "does not exist"),
        ("del data['samples_per_gpu']", "samples_per_gpu"),
        ("data['train']['size'] = 0", "empty"),
    ],
)
def test_wrong_input_ends_before_training_with_one_line(
    change, message, train, config, tmp_path, capsys
):
    with pytest.raises(SystemExit) as error:
        train(config(change), tmp_path / "w")
    text = capsys.readouterr().err
    line = next(line for line in text.splitlines() if line.startswith("error: "))
    assert error.value.code == 1
    assert message in line, line
    assert "Traceback" not in text
    assert not list(tmp_path.glob("w/*.pth"))


def test_a_missing_config_file(train, tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        train(tmp_path / "missing.py", tmp_path / "w")
    assert error.value.code == 1
    assert "missing.py" in capsys.readouterr().err


def test_where_an_error_comes_from_is_shown_on_demand(train, config, tmp_path):
    from mmcv.registry import ConfigError

    with pytest.raises(ConfigError, match="ToyModle"):
        train(config("model['type'] = 'ToyModle'"), tmp_path / "w", "--verbose")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_sample_is_named(workers, train, config, tmp_path, capsys):
    broken = f"data['train']['broken_at'] = 7\ndata['workers_per_gpu'] = {workers}"
    with pytest.raises(SystemExit):
        train(config(broken), tmp_path / "w")
    text = capsys.readouterr().err
    assert "error: image 7.jpg is truncated: replace the file\n" in text
    assert "Traceback" not in text


def test_a_loss_that_is_looked_at_late_ends_the_run_and_the_last_checkpoint_stays(
    train, config, tmp_path, capsys
):
    path = config("model['poison_at'] = 7", "failures = dict(non_finite='watch')")
    with pytest.raises(SystemExit):
        train(path, tmp_path / "w", "--seed", "0")
    text = capsys.readouterr().err
    assert "error: the loss is not finite since iteration 7" in text
    assert "decode.loss_ce" in text
    kept = torch.load(tmp_path / "w" / "latest.pth")
    assert kept["meta"]["iter"] == 4
    assert all(torch.isfinite(v).all() for v in kept["state_dict"].values())


def test_a_failed_resume_is_never_a_fresh_start(train, config, tmp_path, capsys):
    train(config(), tmp_path / "w", "--seed", "0")
    with pytest.raises(SystemExit):
        train(config("model['channels'] = 5"), tmp_path / "w", "--auto-resume")
    assert "error: " in (text := capsys.readouterr().err) and "size mismatch" in text


def test_hooks_are_registered_once(train, config, tmp_path):
    flagged = "custom_hooks = [dict(type='KillHook', at=1, real=False)]"
    from mmcv.runner.runner import BaseRunner

    seen = []
    original = BaseRunner.run
    try:
        BaseRunner.run = lambda self, *args: seen.extend(type(h).__name__ for h in self.hooks)
        train(config(flagged), tmp_path / "w")
    finally:
        BaseRunner.run = original
    assert sorted(seen) == sorted(set(seen)) and "KillHook" in seen


def test_the_learning_rate_can_be_scaled_to_the_batch(train, config, tmp_path, capsys):
    one = "runner = dict(type='IterBasedRunner', max_iters=1)\nlr_config = dict(policy='fixed')\n"
    scaled = one + "auto_scale_lr = dict(enable=False, base_batch_size=8)"
    train(config(scaled), tmp_path / "w", "--auto-scale-lr", "--no-validate")
    group = torch.load(tmp_path / "w" / "iter_1.pth")["optimizer"]["param_groups"][0]
    assert group["lr"] == pytest.approx(0.01 * 2 / 8)
    with pytest.raises(SystemExit):
        train(config(one), tmp_path / "v", "--auto-scale-lr")
    assert "base_batch_size" in capsys.readouterr().err


def test_outer_train_and_test_cfg_reach_the_model(toy):
    from torch import nn

    class Outer(nn.Module):
        def __init__(self, train_cfg=None, test_cfg=None):
            super().__init__()
            self.test_cfg = test_cfg

        def init_weights(self):
            self.is_initialised = True

    toy.TOY_MODELS.register_module(module=Outer, force=True)
    cfg = Config(dict(model=dict(type="Outer"), train_cfg=None, test_cfg=dict(mode="whole")))
    model = build_model(toy.TASK, cfg)
    assert model.test_cfg == {"mode": "whole"} and model.is_initialised
    logging.getLogger("toy")
