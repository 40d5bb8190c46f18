"""What the tests of the DeepSpeed strategy run in processes of their own.

    training_worker.py PHASES FOLDER [FOLDER OF ANOTHER NUMBER OF RANKS]

Phases: ``train`` trains, saves and resumes every variant; ``resume`` continues what another number
of ranks has saved; ``save`` saves until it is killed. Results go to FOLDER/results.json.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from toy import GLOBAL_BATCH, make_batch, make_model, make_optimizer, set_lr

from mmcv.runner import external
from mmcv.runner.deepspeed import DeepSpeedStrategy
from mmcv.runner.dist_utils import get_dist_info
from mmcv.runner.files import CheckpointError
from mmcv.runner.zero import background, directory, frozen, saver

STEPS = 6
SAVE_AT = 3
PRESETS = [f"zero{s}_{d}" for d in ("fp32", "bf16") for s in range(4)]
OFFLOADED = ["zero1_fp32_offload", "zero2_fp32_offload", "zero3_fp32_offload", "zero3_bf16_offload"]
VARIANTS = {
    "full": {},
    "frozen": {"frozen": True},
    "accumulated": {"accumulate": 2, "max_norm": 0.5},
    "frozen_accumulated": {"frozen": True, "accumulate": 2, "max_norm": 0.5},
}
# (saved with, resumed with) where they differ.
CROSSINGS = [
    (a, b) for a, b in itertools.product(PRESETS[:4], PRESETS[:4]) if abs(int(a[4]) - int(b[4])) < 3
] + [("zero1_bf16", "zero3_bf16"), ("zero3_bf16", "zero0_bf16"), ("zero1_bf16", "zero1_fp32")]


class Run:
    """A strategy, and the loop that a runner would have."""

    def __init__(self, preset: str, *, seed: int = 0, **options: Any) -> None:
        gc.freeze()  # ZeRO-3 collects garbage while it is built: half a second among all of torch.
        self.frozen = options.get("frozen", False)
        self.accumulate = options.get("accumulate", 1)
        self.max_norm = options.get("max_norm")
        dtype = torch.bfloat16 if "bf16" in preset else torch.float32
        self.model = model = make_model(seed, self.frozen, dtype)
        grad_clip = {"max_norm": self.max_norm} if self.max_norm else None
        cfg = {
            "deepspeed_config": preset,
            "data": {"samples_per_gpu": GLOBAL_BATCH // get_dist_info()[1]},
            "optimizer_config": {"cumulative_iters": self.accumulate, "grad_clip": grad_clip},
            "find_unused_parameters": options.get("find_unused_parameters", False),
        }
        optimizer = make_optimizer(model, options.get("optimizer", "AdamW"))
        self.strategy = DeepSpeedStrategy.from_config(model, optimizer, cfg)
        self.losses: list[float] = []
        self.norms: list[float] = []

    def train(self, start: int, stop: int) -> None:
        rank, world_size = get_dist_info()
        for step in range(start, stop):
            set_lr(self.strategy.optimizer, step)
            self.strategy.boundary = (step + 1) % self.accumulate == 0
            outputs = self.strategy.forward(make_batch(step, rank, world_size))
            norm = self.strategy.update(
                outputs["loss"], max_norm=self.max_norm, divide_by=self.accumulate
            )
            loss = outputs["loss"].detach().clone()
            dist.all_reduce(loss)
            self.losses.append(loss.item() / world_size)
            if norm is not None:
                self.norms.append(norm.item())

    def weights(self) -> dict[str, torch.Tensor]:
        partition = self.strategy.partition
        state = self.strategy.module.state_dict(keep_vars=True)
        return {name: partition.full(value).clone() for name, value in state.items()}

    def dtypes(self) -> list[str]:
        return [str(p.dtype) for p in self.strategy.module.parameters()]


def train_and_resume(preset: str, options: dict[str, Any], path: Path) -> dict[str, Any]:
    """Trains, saving half-way; a second run, from other weights, resumes there."""
    run = Run(preset, **options)
    before = run.dtypes()
    at = SAVE_AT + SAVE_AT % run.accumulate
    run.train(0, at)
    run.strategy.save(path, {"meta": {"iter": at, "CLASSES": ("a", "b")}, "hooks": {"x": 1.5}})
    run.train(at, STEPS)
    resumed = Run(preset, seed=7, **options)
    state = resumed.strategy.load(path)
    resumed.train(at, STEPS)
    weights, again = run.weights(), resumed.weights()
    if get_dist_info()[0] == 0:
        torch.save({"weights": weights, "losses": run.losses[at:], "at": at}, f"{path}.reference")
    return {
        "losses": run.losses,
        "norms": run.norms,
        "keeps_dtypes": before == run.dtypes(),
        "resumed_losses_equal": resumed.losses == run.losses[at:],
        "resumed_weights_differ": [k for k in weights if not torch.equal(weights[k], again[k])],
        "state": state,
    }


def evaluate_between(preset: str) -> bool:
    """Whether evaluations, different in number on the ranks, leave the training as it is."""
    undisturbed = Run(preset)
    undisturbed.train(0, 4)
    run = Run(preset)
    run.train(0, 2)
    run.strategy.eval()
    with torch.no_grad():
        for i in range(1 + get_dist_info()[0]):
            images = [make_batch(i)["img"]]
            predictions = run.strategy.module(images, [[{}]], return_loss=False)
            assert len(predictions) == GLOBAL_BATCH
    run.strategy.train()
    run.train(2, 4)
    return run.losses == undisturbed.losses


def skip_parts(preset: str) -> list[float]:
    """Losses of a model of which each rank skips another part in every iteration."""
    run = Run(preset, find_unused_parameters=True)
    for step in range(STEPS):
        run.model.num_used = 1 + (step + get_dist_info()[0]) % 2
        run.train(step, step + 1)
    return run.losses


def freeze_large(preset: str, folder: Path) -> dict[str, Any]:
    """What becomes of frozen weights over some checkpoints, if they count as large."""
    frozen.MIN_BYTES = 1
    run = Run(preset, frozen=True)
    paths = [folder / f"{preset}_frozen_{i}" for i in range(5)]

    def save(path: Path, run: Run = run) -> None:
        run.strategy.save(path, {"meta": {}})

    for i in (0, 1):
        run.train(i, i + 1)
        save(paths[i])
    resumed = Run(preset, seed=7, frozen=True)
    resumed.strategy.load(paths[1])
    equal = [
        torch.equal(a, b)
        for a, b in zip(run.weights().values(), resumed.weights().values(), strict=True)
    ]
    save(paths[2], resumed)
    with torch.no_grad():
        run.strategy.partition.local(run.model.stem.weight).view(-1)[:1].add_(1)
    save(paths[3])
    files = [next(path.glob("*/frozen_states.pt")) for path in paths[:4]]
    inodes = [file.stat().st_ino for file in files]
    dist.barrier()
    if get_dist_info()[0] == 0:
        files[3].rename(files[3].with_suffix(".gone"))
    dist.barrier()
    save(paths[4])
    frozen.MIN_BYTES = 256 * 2**20
    inodes.append(next(paths[4].glob("*/frozen_states.pt")).stat().st_ino)
    return {"equal": all(equal), "inodes": inodes}


def save_in_background(preset: str, folder: Path) -> dict[str, Any]:
    """Saves at once and in the background at the same iteration, and goes on training."""
    rank, _ = get_dist_info()
    now, later = folder / f"{preset}_now", folder / f"{preset}_later"
    gate, completions = threading.Event(), []

    def write_when_allowed(*args: Any) -> Any:
        gate.wait(60)
        return directory.write_files(*args)

    background.write_files = write_when_allowed
    run = Run(preset)
    run.train(0, SAVE_AT)
    run.strategy.save(now, {"meta": {}})
    run.strategy.save(later, {"meta": {}}, then=lambda: completions.append(run.losses[-1]))
    run.train(SAVE_AT, SAVE_AT + 1)
    waited = not later.exists() and not completions
    if rank == 0:
        gate.set()
    run.train(SAVE_AT + 1, SAVE_AT + 2)
    waited_for_all = get_dist_info()[1] == 1 or not completions
    gate.set()
    run.train(SAVE_AT + 2, STEPS)
    run.strategy.finish_saving()
    failed = fail_in_background(run, folder / f"{preset}_failed", rank)
    run.train(0, 1)
    background.write_files = directory.write_files
    return {
        "waited": waited and waited_for_all,
        "completions": len(completions),
        "losses": run.losses[:STEPS],
        "failed": failed,
    }


def fail_in_background(run: Run, path: Path, rank: int) -> bool:
    """Whether a failure of the last rank reaches all of them."""
    problem = "rank x: the disk is full" if rank == get_dist_info()[1] - 1 else None
    background.write_files = lambda *args: ({}, problem)
    run.strategy.save(path, {"meta": {}}, then=lambda: None)
    try:
        run.strategy.finish_saving()
    except CheckpointError as error:
        return "the disk is full" in str(error) and not path.exists()
    return False


def keep_outside(preset: str, folder: Path) -> dict[str, Any]:
    """What a checkpoint holds of frozen weights that are those of a pretrained file."""
    external.MIN_BYTES = 1
    model = make_model(0, True)
    source = folder / f"{preset}_pretrained.pth"
    frozen_now = {n: p.detach() for n, p in model.named_parameters() if not p.requires_grad}
    if get_dist_info()[0] == 0:
        torch.save(frozen_now, source)
    dist.barrier()
    run = Run(preset, frozen=True)
    for name in frozen_now:
        external.note_origin(run.model.get_parameter(name), source, name)
    run.strategy.frozen.choose()
    run.train(0, 1)
    path = folder / f"{preset}_outside"
    run.strategy.save(path, {"meta": {}})
    resumed = Run(preset, seed=7, frozen=True)
    resumed.strategy.load(path)
    weights, again = run.weights(), resumed.weights()
    resumed.strategy.save(folder / f"{preset}_outside_again", {"meta": {}})
    dist.barrier()
    records = [
        directory.read_directory(folder / name)[external.RECORD]
        for name in (f"{preset}_outside", f"{preset}_outside_again")
    ]
    stored = directory.read_directory(path)["module"]
    dist.barrier()
    if get_dist_info()[0] == 0:
        torch.save({n: v + 1 for n, v in frozen_now.items()}, source)
    dist.barrier()
    try:
        resumed.strategy.load(path)
        said = ""
    except CheckpointError as error:
        said = str(error)
    external.MIN_BYTES = 256 * 2**20
    return {
        "equal": all(torch.equal(weights[k], again[k]) for k in weights),
        "recorded": sorted(records[0]),
        "recorded_again": records[0] == records[1],
        "stored": sorted(stored.keys() & frozen_now.keys()),
        "said": said,
    }


def save_early(folder: Path) -> str:
    """What is said to a checkpoint between two steps."""
    run = Run("zero1_fp32", accumulate=2)
    run.train(0, 1)
    assert not run.strategy.can_save
    try:
        run.strategy.save(folder / "early", {"meta": {}})
    except CheckpointError as error:
        return str(error)
    return ""


def stop_learning(preset: str) -> bool:
    """Whether a rate of zero, written into the groups, stops the weights."""
    run = Run(preset, optimizer="SGD")
    run.train(0, 1)
    before = run.weights()
    for group in run.strategy.param_groups:
        group["initial_lr"] = 0.0
    run.train(1, 3)
    after = run.weights()
    return all(
        torch.equal(before[k], after[k])
        for k in before
        if "running" not in k and "num_batches" not in k
    )


def train_phase(folder: Path) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for preset, variant in itertools.product(PRESETS, VARIANTS):
        path = folder / f"{preset}_{variant}"
        results[f"{preset}/{variant}"] = train_and_resume(preset, VARIANTS[variant], path)
    for preset in OFFLOADED:
        results[f"{preset}/full"] = train_and_resume(preset, {}, folder / f"{preset}_full")
    results["frozen"] = {p: freeze_large(p, folder) for p in ("zero1_bf16", "zero3_fp32")}
    results["background"] = {p: save_in_background(p, folder) for p in ("zero1_fp32", "zero3_bf16")}
    results["evaluate"] = {p: evaluate_between(p) for p in PRESETS[:4]}
    results["stop"] = {p: stop_learning(p) for p in PRESETS[:4]}
    results["skip"] = {p: skip_parts(p) for p in (*PRESETS[:3], "zero2_bf16")}
    results["outside"] = {p: keep_outside(p, folder) for p in ("zero1_fp32", "zero3_bf16")}
    results["save_early"] = save_early(folder)
    return results


def resume_phase(source: Path) -> dict[str, Any]:
    results = {}
    for saved, resumed in CROSSINGS:
        reference = torch.load(source / f"{saved}_full.reference", weights_only=True)
        run = Run(resumed, seed=7)
        run.strategy.load(source / f"{saved}_full")
        run.train(reference["at"], STEPS)
        weights = run.weights()
        results[f"{saved} to {resumed}"] = {
            "losses": max(abs(a - b) for a, b in zip(run.losses, reference["losses"], strict=True)),
            "weights": max(
                (w.float() - weights[k].float()).abs().max().item()
                for k, w in reference["weights"].items()
            ),
        }
    return results


def save_phase(folder: Path) -> None:
    """Saves without end; the last rank is late, as on a busy file system."""
    rank, world_size = get_dist_info()
    (folder / f"pid_{rank}").write_text(str(os.getpid()))
    run = Run("zero1_fp32")
    write_files = saver.write_files

    def write_late(*args: Any) -> Any:
        time.sleep(0.3 * (rank == world_size - 1))
        return write_files(*args)

    saver.write_files = write_late
    for step in range(100_000):
        run.train(step % 5, step % 5 + 1)
        run.strategy.save(folder / f"iter_{step + 1}", {"meta": {"iter": step + 1}})


def main() -> None:
    phases, folder = sys.argv[1].split(","), Path(sys.argv[2])
    torch.set_num_threads(1)
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
    if "save" in phases:
        save_phase(folder)
    results = train_phase(folder) if "train" in phases else {}
    if "resume" in phases:
        results["resume"] = resume_phase(Path(sys.argv[3]))
    if get_dist_info()[0] == 0:
        (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
