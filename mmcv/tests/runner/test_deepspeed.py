"""The DeepSpeed strategy in real processes, against plain PyTorch on the same global batches.

All runs happen in three starts of ``zero/training_worker.py``; the tests look at what they report.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mmcv.runner.zero.directory import read_directory, verify

pytestmark = [pytest.mark.deepspeed, pytest.mark.processes]

HERE = Path(__file__).parent / "zero"
STAGES = range(4)
VARIANTS = ("full", "frozen", "accumulated", "frozen_accumulated")
BF16_TOLERANCE = 3e-2  # of a loss of 1.8: gradients of two ranks are averaged in bf16


@pytest.fixture(scope="module")
def plain():
    """Plain runs of every variant, in one process without a process group."""
    sys.path.insert(0, str(HERE))
    try:
        from toy import plain_run
    finally:
        sys.path.remove(str(HERE))
    options = {
        "full": {},
        "frozen": {"frozen": True},
        "accumulated": {"accumulate": 2, "max_norm": 0.5},
        "frozen_accumulated": {"frozen": True, "accumulate": 2, "max_norm": 0.5},
    }
    dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16}
    return {
        (name, variant): plain_run(6, dtype=dtype, **options[variant])
        for name, dtype in dtypes.items()
        for variant in VARIANTS
    }


def start(num_ranks, *arguments):
    command = [sys.executable]
    if num_ranks > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={num_ranks}"]
    command += [str(HERE / "training_worker.py"), *map(str, arguments)]
    removed = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    environment = {k: v for k, v in os.environ.items() if k not in removed}
    environment |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "DS_ACCELERATOR": "cpu"}
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(num_ranks, phases, folder, *others):
    process = start(num_ranks, phases, folder, *others)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output[-4000:]
    assert "deepspeed_shm_comm" not in output  # nothing is compiled
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {n: tmp_path_factory.mktemp(f"ranks_{n}") for n in (1, 2)}


@pytest.fixture(scope="module")
def results(folders):
    """What the runs on 1 and 2 ranks report; each resumes checkpoints of the other number."""
    one = run(1, "train", folders[1])
    two = run(2, "train,resume", folders[2], folders[1])
    one["resume"] = run(1, "resume", folders[1], folders[2])["resume"]
    return {1: one, 2: two}


both_numbers_of_ranks = pytest.mark.parametrize("ranks", [1, 2])
every_stage = pytest.mark.parametrize("stage", STAGES)
every_variant = pytest.mark.parametrize("variant", VARIANTS)


@both_numbers_of_ranks
@every_stage
@every_variant
def test_fp32_trains_like_plain_pytorch(results, plain, ranks, stage, variant):
    result, reference = results[ranks][f"zero{stage}_fp32/{variant}"], plain["fp32", variant]
    assert result["losses"] == pytest.approx(reference["losses"], abs=1e-5)
    assert result["norms"] == pytest.approx(reference["norms"], rel=1e-5)


@both_numbers_of_ranks
@every_stage
@every_variant
def test_fp32_ends_with_the_weights_of_plain_pytorch(
    results, plain, folders, ranks, stage, variant
):
    # With the norm's statistics and the head's gradients over all ranks, or this fails on 2.
    saved = folders[ranks] / f"zero{stage}_fp32_{variant}.reference"
    weights = torch.load(saved, weights_only=True)["weights"]
    torch.testing.assert_close(weights, plain["fp32", variant]["weights"], atol=1e-5, rtol=1e-5)


@both_numbers_of_ranks
@every_stage
@every_variant
def test_bf16_trains_like_plain_pytorch_with_master_weights(results, plain, ranks, stage, variant):
    result, reference = results[ranks][f"zero{stage}_bf16/{variant}"], plain["bf16", variant]
    assert result["losses"] == pytest.approx(reference["losses"], abs=BF16_TOLERANCE)
    assert result["norms"] == pytest.approx(reference["norms"], rel=0.1)


@pytest.mark.parametrize("preset", ["zero1_fp32", "zero2_fp32", "zero3_fp32"])
def test_offload_changes_nothing(results, plain, preset):
    result = results[2][f"{preset}_offload/full"]
    assert result["losses"] == pytest.approx(plain["fp32", "full"]["losses"], abs=1e-5)


@both_numbers_of_ranks
def test_parameters_keep_their_dtypes(results, ranks):
    runs = {k: r["keeps_dtypes"] for k, r in results[ranks].items() if "/" in k}
    assert len(runs) == 36
    assert all(runs.values())


@both_numbers_of_ranks
def test_resumed_run_equals_the_uninterrupted_one_bit_for_bit(results, ranks):
    for name, result in results[ranks].items():
        if "/" in name:
            assert result["resumed_losses_equal"], name
            assert result["resumed_weights_differ"] == [], name


@both_numbers_of_ranks
def test_state_of_the_runner_comes_back(results, ranks):
    state = results[ranks]["zero3_bf16/frozen"]["state"]
    assert state == {"meta": {"iter": 3, "CLASSES": ["a", "b"]}, "hooks": {"x": 1.5}}


@both_numbers_of_ranks
def test_resume_on_another_number_of_ranks_and_stage(results, ranks):
    crossings = results[ranks]["resume"]
    assert {"zero1_fp32 to zero3_fp32", "zero3_fp32 to zero2_fp32"} <= crossings.keys()
    for name, differences in crossings.items():
        tolerance = BF16_TOLERANCE if "bf16" in name else 1e-5
        assert differences["losses"] < tolerance, name
        assert differences["weights"] < tolerance, name


@both_numbers_of_ranks
def test_evaluation_between_iterations_changes_nothing(results, ranks):
    assert results[ranks]["evaluate"] == {f"zero{s}_fp32": True for s in STAGES}


@both_numbers_of_ranks
def test_rate_in_the_param_groups_is_what_the_step_uses(results, ranks):
    assert results[ranks]["stop"] == {f"zero{s}_fp32": True for s in STAGES}


@pytest.mark.parametrize("preset", ["zero1_fp32", "zero2_fp32", "zero2_bf16"])
def test_ranks_may_skip_different_parts_at_stages_0_to_2(results, preset):
    skipped = results[2]["skip"]
    tolerance = BF16_TOLERANCE if "bf16" in preset else 1e-6
    assert skipped[preset] == pytest.approx(skipped["zero0_fp32"], abs=tolerance)


@both_numbers_of_ranks
@pytest.mark.parametrize("preset", ["zero1_fp32", "zero3_bf16"])
def test_frozen_weights_of_a_pretrained_file_are_recorded_and_verified(results, ranks, preset):
    result = results[ranks]["outside"][preset]
    frozen = ["blocks.0.bias", "blocks.0.weight", "stem.bias", "stem.weight"]
    assert result["recorded"] == frozen and result["recorded_again"]
    assert result["stored"] == []
    assert result["equal"]
    assert "_pretrained.pth: its tensor " in result["said"]


@both_numbers_of_ranks
def test_nothing_is_saved_between_two_steps(results, folders, ranks):
    assert "multiple of optimizer_config.cumulative_iters" in results[ranks]["save_early"]
    assert not (folders[ranks] / "early").exists()


@pytest.mark.parametrize("stage", STAGES)
def test_saved_files_load_with_weights_only(results, folders, stage):
    path = folders[2] / f"zero{stage}_bf16_full"
    files = sorted(path.glob("global_step3/*.pt"))
    assert [f.name for f in files] == [
        "mp_rank_00_model_states.pt",
        "zero_pp_rank_0_mp_rank_00_optim_states.pt",
        "zero_pp_rank_1_mp_rank_00_optim_states.pt",
    ]
    contents = [torch.load(file, weights_only=True) for file in files]
    assert contents[0]["module"]["stem.weight"].shape == (8, 3, 3, 3)
    assert contents[0]["module"]["stem.weight"].dtype == torch.bfloat16
    assert contents[0]["CLASSES"] == ("a", "b")
    assert {g["lr_scale"] for g in contents[1]["groups"]} == {0.7**n for n in range(5)}


@both_numbers_of_ranks
@pytest.mark.parametrize("preset", ["zero1_bf16", "zero3_fp32"])
def test_large_frozen_weights_are_written_once(results, folders, ranks, preset):
    result = results[ranks]["frozen"][preset]
    first, second, of_resumed_run, changed, rewritten = result["inodes"]
    assert first == second == of_resumed_run
    assert changed != first  # somebody's hook has changed them
    assert rewritten not in (first, changed)  # the file to link to was gone
    assert result["equal"]
    path = folders[ranks] / f"{preset}_frozen_2"
    verify(path)
    frozen = {"stem.weight", "stem.bias", "blocks.0.weight", "blocks.0.bias"}
    file = torch.load(next(path.glob("*/mp_rank_00_model_states.pt")), weights_only=True)
    assert not frozen & file["module"].keys()
    whole = folders[ranks] / f"{preset}_frozen"  # of a run in which they did not count as large
    assert read_directory(path)["module"].keys() == read_directory(whole)["module"].keys()


@both_numbers_of_ranks
@pytest.mark.parametrize("preset", ["zero1_fp32", "zero3_bf16"])
def test_checkpoint_written_in_the_background_is_that_of_its_iteration(
    results, folders, ranks, preset
):
    result = results[ranks]["background"][preset]
    assert result["waited"]  # it was not complete before the slowest rank had written
    assert result["completions"] == 1
    assert result["losses"] == results[ranks][f"{preset}/full"]["losses"]
    paths = [folders[ranks] / f"{preset}_{when}" for when in ("now", "later")]
    verify(paths[1])
    names = [sorted(p.relative_to(path) for p in path.glob("*/*")) for path in paths]
    assert names[0] == names[1]
    for name in names[0]:
        now, later = (torch.load(path / name, weights_only=True) for path in paths)
        key = "module" if "model_states" in name.name else "fragments"
        torch.testing.assert_close(later[key], now[key], atol=0, rtol=0)


@both_numbers_of_ranks
def test_failure_in_the_background_reaches_all_ranks(results, ranks):
    assert [r["failed"] for r in results[ranks]["background"].values()] == [True, True]


def test_stages_save_the_same_optimizer_state(results, folders):
    """Joined over the ranks, master weights and moments do not depend on the stage."""
    joined = [join_shards(folders[2] / f"zero{stage}_fp32_full") for stage in STAGES]
    for other in joined[1:]:
        torch.testing.assert_close(other, joined[0], atol=1e-6, rtol=1e-5)


def join_shards(path):
    tensors = {}
    for file in path.glob("*/zero_pp_rank_*"):
        for name, entry in torch.load(file, weights_only=True)["fragments"].items():
            for key in ("master", "exp_avg", "exp_avg_sq"):
                parts = tensors.setdefault(f"{name} {key}", {})
                parts[entry["offset"]] = entry[key]
    return {name: torch.cat([v for _, v in sorted(p.items())]) for name, p in tensors.items()}


def test_kill_while_saving_leaves_the_previous_checkpoint(tmp_path):
    process = start(2, "save", tmp_path)
    deadline = time.monotonic() + 120
    while not (tmp_path / "iter_2").exists():
        assert process.poll() is None, process.communicate()[0][-4000:]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    # Rank 0 has written its files of iter_3 by now, rank 1 has not.
    time.sleep(0.15)
    for file in tmp_path.glob("pid_*"):
        os.kill(int(file.read_text()), signal.SIGKILL)
    process.communicate(timeout=60)  # torchrun ends with its processes
    found = sorted(tmp_path.glob("iter_*"), key=lambda path: int(path.name[5:]))
    assert [path.name for path in found[:2]] == ["iter_1", "iter_2"]
    for path in found:
        verify(path)
        assert read_directory(path)["meta"] == {"iter": int(path.name[5:])}
