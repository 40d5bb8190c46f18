"""One run on changing numbers of ranks and ZeRO stages: the same losses, and every sample once."""

import json
from pathlib import Path

import pytest
import torch

pytestmark = [pytest.mark.slow, pytest.mark.processes, pytest.mark.deepspeed]

SIZE, BATCH, SEED = 24, 6, 3
TOY_RUN = Path(__file__).with_name("toy_run.py")
TRAIN = f"""
import importlib.util, json, sys

from mmcv.hooks.hook import Hook
from mmcv.registry import HOOKS

spec = importlib.util.spec_from_file_location("toy_run", {str(TOY_RUN)!r})
toy = importlib.util.module_from_spec(spec)
sys.modules["toy_run"] = toy
spec.loader.exec_module(toy)


@HOOKS.register_module()
class SamplesHook(Hook):
    def before_train_iter(self, runner):
        names = [int(meta["filename"][:-4]) for meta in runner.data_batch["img_metas"]]
        with open(f"{{runner.work_dir}}/samples.{{runner.world_size}}.{{runner.rank}}", "a") as f:
            f.write(json.dumps([runner.iter, names]) + "\\n")


if __name__ == "__main__":
    toy.train_main(toy.TASK)
"""
COMMON = f"""
model = dict(type='ToyModel', dropout=0.0)
data = dict(
    samples_per_gpu=2, workers_per_gpu=0, train=dict(type='ToyDataset', size={SIZE}))
runner = dict(type='IterBasedRunner', max_iters=15)
checkpoint_config = dict(by_epoch=False, interval=5, asynchronous=False)
evaluation = dict(interval=1000)
log_config = dict(interval=1, hooks=[dict(type='TextLoggerHook', by_epoch=False)])
"""
# Ranks, stage, and the iteration before which they are killed: in the middle of epochs of four.
LEGS = [(2, 1, 6), (1, 3, 11), (3, 2, None)]


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(TRAIN)
    return path


def losses(work_dir):
    """The last loss that was logged for each iteration."""
    found = {}
    for file in sorted(work_dir.glob("*.json")):
        for line in file.read_text().splitlines():
            row = json.loads(line)
            if row.get("mode") == "train":
                found[row["iter"]] = row["loss"]
    return [found[i] for i in sorted(found)]


def samples(work_dir, ranks):
    """What all ranks together saw in each iteration, sorted."""
    seen = {}
    for file in work_dir.glob(f"samples.{ranks}.*"):
        for line in file.read_text().splitlines():
            iteration, names = json.loads(line)
            seen.setdefault(iteration, []).extend(names)
    return {iteration: sorted(names) for iteration, names in seen.items()}


def expected_samples(iteration):
    epoch, batch = divmod(iteration, SIZE // BATCH)
    generator = torch.Generator().manual_seed(SEED + epoch)
    order = torch.randperm(SIZE, generator=generator).tolist()
    return sorted(order[batch * BATCH : (batch + 1) * BATCH])


def test_two_then_one_then_three_ranks_and_stages_1_3_2(config, train_processes, script, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    batch = f"data.samples_per_gpu={BATCH}"
    path = config(COMMON, name="whole.py")
    run = ("--seed", str(SEED), "--cfg-options", batch)
    [(code, output)] = train_processes(path, whole, *run, num=1, script=script)
    assert code == 0, output

    for ranks, stage, kill_at in LEGS:
        hooks = "custom_hooks = [dict(type='SamplesHook')"
        if kill_at is not None:
            hooks += f", dict(type='KillHook', at={kill_at}, when='before_train_iter')"
        zero = f"deepspeed = True\ndeepspeed_config = 'zero{stage}_fp32'"
        path = config(COMMON, zero, hooks + "]", name=f"leg_{ranks}.py")
        run = ("--seed", str(SEED), "--auto-resume")
        run += ("--cfg-options", f"data.samples_per_gpu={BATCH // ranks}")
        results = train_processes(path, parts, *run, num=ranks, script=script)
        for code, output in results:
            assert code == (0 if kill_at is None else -9), output
        for flag in parts.glob("killed.*"):
            flag.unlink()
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)
    assert len(losses(whole)) == 15

    ranges = {2: range(0, 6), 1: range(5, 11), 3: range(10, 15)}
    for ranks, iterations in ranges.items():
        seen = samples(parts, ranks)
        for i in iterations:
            assert seen[i] == expected_samples(i), (ranks, i)
    assert set(samples(parts, 1)) == set(range(5, 12))
    assert set(samples(parts, 3)) == set(range(10, 15))
