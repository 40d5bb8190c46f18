"""Runs of several processes, over gloo, as torchrun starts them."""

import json

import pytest
import torch

pytestmark = pytest.mark.processes

# Without dropout, whose numbers every rank draws for itself.
NO_DROPOUT = "model = dict(type='ToyModel', dropout=0.0)"


DEEPSPEED = """
deepspeed = True
deepspeed_config = dict(zero_optimization=dict(stage=1))
checkpoint_config = dict(deepspeed=True, by_epoch=False, interval=4, max_keep_ckpts=2)
"""
# A checkpoint after three iterations holds the gradients of the third, which wait for the fourth.
DDP = """
optimizer_config = dict(cumulative_iters=2, grad_clip=dict(max_norm=1.0))
checkpoint_config = dict(by_epoch=False, interval=3, max_keep_ckpts=2)
"""
BOTH = pytest.mark.parametrize(
    "strategy",
    [DDP, pytest.param(DEEPSPEED, marks=pytest.mark.deepspeed)],
    ids=["ddp", "deepspeed"],
)


def losses(work_dir):
    rows = [json.loads(row) for row in next(work_dir.glob("*.json")).read_text().splitlines()]
    return [(row["iter"], row["loss"]) for row in rows if row.get("mode") == "train"]


def scores(work_dir):
    rows = [json.loads(row) for row in next(work_dir.glob("*.json")).read_text().splitlines()]
    return [row["mIoU"] for row in rows if row.get("mode") == "val"]


def succeeded(results):
    for code, output in results:
        assert code == 0, output
    return results


@BOTH
def test_one_process_equals_two_on_the_same_global_batch(
    strategy, config, train_processes, tmp_path
):
    path = config(NO_DROPOUT, strategy)
    one, two = tmp_path / "one", tmp_path / "two"
    batch_4 = ("--cfg-options", "data.samples_per_gpu=4", "--seed", "3")
    succeeded(train_processes(path, one, *batch_4, num=1))
    succeeded(train_processes(path, two, "--seed", "3"))
    assert [i for i, _ in losses(two)] == [2, 4, 6, 8, 10, 12]
    assert [x for _, x in losses(two)] == pytest.approx([x for _, x in losses(one)], abs=1e-5)
    # Five samples on two ranks: one is repeated by the sampler, and must not count twice.
    assert scores(two) == pytest.approx(scores(one), abs=1e-6)


@BOTH
def test_killed_ranks_resume_to_the_same_bits(
    strategy, config, train_processes, tmp_path, checkpoint_differences
):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    succeeded(train_processes(config(strategy), whole, "--seed", "3"))
    hook = "custom_hooks = [dict(type='KillHook', at=9, when='before_train_iter')]"
    path = config(strategy, hook, name="killed.py")
    results = train_processes(path, killed, "--seed", "3", "--auto-resume")
    assert [code for code, _ in results] == [-9, -9]
    succeeded(train_processes(path, killed, "--seed", "3", "--auto-resume"))
    for name in ("iter_12", "best_mIoU_iter_12"):
        if strategy == DDP:
            name = f"{name}.pth"
            assert checkpoint_differences(whole / name, killed / name) == []
            continue
        file = f"{name}/global_step12/mp_rank_00_model_states.pt"
        a, b = (torch.load(folder / file)["module"] for folder in (whole, killed))
        assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_an_error_of_the_user_is_printed_by_one_rank(config, train_processes, tmp_path):
    path = config("data = dict(samples_per_gpu=2, train=dict(type='ToyDataset', root='/nowhere'))")
    results = train_processes(path, tmp_path / "w")
    assert [code for code, _ in results] == [1, 1]
    outputs = [output for _, output in results]
    assert "error: data.train: the folder '/nowhere' does not exist\n" in outputs[0]
    assert "error" not in outputs[1] and "Traceback" not in outputs[0] + outputs[1]
