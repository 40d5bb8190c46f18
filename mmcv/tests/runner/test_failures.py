"""What goes wrong in one process: bad numbers, signals, memory, workers."""

import signal

import pytest
import torch

from mmcv.registry import ConfigError
from mmcv.runner.failures import Failures

PLAIN = "evaluation = dict(interval=12, pre_eval=True)"


def finite(path):
    content = torch.load(path, weights_only=True)
    return all(torch.isfinite(v).all() for v in content["state_dict"].values())


@pytest.mark.parametrize("poison", ["loss", "gradient"])
def test_stop_names_the_samples_and_saves_the_state_before_the_step(
    poison, train, config, tmp_path, capsys, checkpoint_differences
):
    path = config(f"model.update(poison_at=7, poison='{poison}')", PLAIN)
    with pytest.raises(SystemExit) as error:
        train(path, tmp_path / "w", "--seed", "0")
    assert error.value.code == 1
    text = capsys.readouterr().err
    assert f"saved as {tmp_path}/w/iter_6.pth" in text
    files = [word for word in text.replace(",", " ").split() if word.endswith((".jpg", ".jpg."))]
    assert len(files) == 2
    where = {"loss": "in iteration 7: decode.loss_ce, loss, of", "gradient": "though the losses"}
    assert where[poison] in text
    assert finite(tmp_path / "w/iter_6.pth")
    # The run that goes on from there is the one without the bad number.
    train(config(PLAIN), tmp_path / "w", "--auto-resume")
    train(config(PLAIN), tmp_path / "whole", "--seed", "0")
    a, b = tmp_path / "w/iter_12.pth", tmp_path / "whole/iter_12.pth"
    assert [d for d in checkpoint_differences(a, b) if not d.startswith(".meta.hook_msgs")] == []
    assert {p.name for p in a.parent.glob("*.pth")} == {p.name for p in b.parent.glob("*.pth")}


def test_stop_in_the_middle_of_accumulated_gradients_goes_back_to_their_first(
    train, config, tmp_path, capsys, checkpoint_differences
):
    grouped = ["optimizer_config = dict(cumulative_iters=3)", PLAIN]
    with pytest.raises(SystemExit):
        train(config(*grouped, "model['poison_at'] = 8"), tmp_path / "w", "--seed", "0")
    assert f"saved as {tmp_path}/w/iter_6.pth" in capsys.readouterr().err
    train(config(*grouped), tmp_path / "w", "--auto-resume")
    train(config(*grouped), tmp_path / "whole", "--seed", "0")
    a, b = tmp_path / "w/iter_12.pth", tmp_path / "whole/iter_12.pth"
    assert [d for d in checkpoint_differences(a, b) if not d.startswith(".meta.hook_msgs")] == []


def test_skip_leaves_steps_out_and_counts_them(train, config, tmp_path, caplog):
    skip = "failures = dict(non_finite='skip', max_skips=2)"
    path = config("model['poison_at'] = [3, 6, 7]", skip)
    train(path, tmp_path / "w", "--seed", "0")
    messages = [r.getMessage() for r in caplog.records if "skipped the step" in r.getMessage()]
    assert [m.split(":")[0] for m in messages] == [
        "skipped the step (1 in a row, 1 in all)",
        "skipped the step (1 in a row, 2 in all)",
        "skipped the step (2 in a row, 3 in all)",
    ]
    assert ".jpg" in messages[0]
    # Statistics of batch norm too: the bad batches had made them NaN.
    assert finite(tmp_path / "w/iter_12.pth")
    optimizer = torch.load(tmp_path / "w/iter_12.pth")["optimizer"]["state"]
    assert {float(state["step"]) for state in optimizer.values()} == {9.0}
    assert "nan" not in next((tmp_path / "w").glob("*.json")).read_text().lower()


def test_too_many_skips_in_a_row_end_the_run(train, config, tmp_path, capsys):
    skip = "failures = dict(non_finite='skip', max_skips=2)"
    with pytest.raises(SystemExit):
        train(config("model['poison_at'] = [6, 7, 8]", skip), tmp_path / "w", "--seed", "0")
    assert "iteration 8" in capsys.readouterr().err
    assert finite(tmp_path / "w/latest.pth")


def test_an_unknown_policy():
    with pytest.raises(ConfigError, match="non_finite='skipp' is not a policy; did you mean"):
        Failures(non_finite="skipp")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
@pytest.mark.parametrize("by_epoch", [False, True])
def test_a_signal_ends_the_run_with_its_state_saved(
    name, by_epoch, train, config, tmp_path, checkpoint_differences
):
    changes, last = [PLAIN], "iter_12.pth"
    if by_epoch:
        changes = ["runner = dict(type='EpochBasedRunner', max_epochs=2)", "evaluation = dict()"]
        changes += ["checkpoint_config = dict(interval=1)"]
        last = "epoch_2.pth"
    hook = f"custom_hooks = [dict(type='EventHook', at=6, what='signal', argument='{name}')]"
    with pytest.raises(SystemExit) as error:
        train(config(*changes, hook), tmp_path / "w", "--seed", "0", "--auto-resume")
    assert error.value.code == 85
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    names = {p.name for p in (tmp_path / "w").glob("*")}
    assert "iter_7.pth" in names and ".lock" not in names
    assert (tmp_path / "w/latest.pth").resolve().name == "iter_7.pth"
    train(config(*changes), tmp_path / "w", "--auto-resume")
    train(config(*changes), tmp_path / "whole", "--seed", "0")
    a, b = tmp_path / "w" / last, tmp_path / "whole" / last
    assert [d for d in checkpoint_differences(a, b) if not d.startswith(".meta.hook_msgs")] == []
    assert {p.name for p in a.parent.glob("*.pth")} == {p.name for p in b.parent.glob("*.pth")}


def test_a_killed_worker_is_explained(train, config, tmp_path, capsys):
    path = config("data['train']['fatal_at'] = 7", "data['workers_per_gpu'] = 2")
    with pytest.raises(SystemExit) as error:
        train(path, tmp_path / "w")
    text = capsys.readouterr().err
    assert error.value.code == 1
    assert "of the data loader died" in text and "data.workers_per_gpu (2)" in text
    assert "data.samples_per_gpu (2)" in text


def test_want_of_memory_is_explained_with_numbers(train, config, tmp_path, capsys):
    backbone = "model['hoard_at'] = 3"
    with pytest.raises(SystemExit) as error:
        train(config(backbone), tmp_path / "w")
    text = capsys.readouterr().err
    assert error.value.code == 1
    assert "error: " in text and "out of memory: the host has" in text and "GiB" in text
    assert "data.samples_per_gpu=1 instead of 2" in text
    assert "cumulative_iters=2" in text and "deepspeed=True" in text
