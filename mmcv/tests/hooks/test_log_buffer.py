"""The log buffer against weighted means, in one process and in two."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.distributed as dist

from mmcv.hooks.log_buffer import MAX_HISTORY, LogBuffer


def test_average_is_the_mean_of_the_latest_values_weighted_by_count():
    buffer = LogBuffer()
    values, counts = [1.0, 2.0, 4.0, 8.0], [1, 3, 2, 2]
    for value, count in zip(values, counts, strict=True):
        buffer.update({"loss": value, "acc": torch.tensor(-value)}, count)
    for n in (1, 2, 3, 4, 0):
        buffer.average(n)
        expected = np.average(values[-n:], weights=counts[-n:])
        assert buffer.ready
        assert buffer.output == {"loss": expected, "acc": -expected}
        assert all(isinstance(value, float) for value in buffer.output.values())


def test_tensors_become_numbers_only_when_something_is_averaged():
    buffer = LogBuffer()
    loss = torch.tensor([2.0], requires_grad=True)
    buffer.update({"loss": loss * 2, "half": torch.tensor(1.5, dtype=torch.bfloat16)}, 4)
    kept = buffer.val_history["loss"][0]
    assert isinstance(kept, torch.Tensor)
    assert not kept.requires_grad
    buffer.update({"time": 0.5})
    buffer.average()
    assert dict(buffer.val_history) == {"loss": [4.0], "half": [1.5], "time": [0.5]}
    assert dict(buffer.n_history) == {"loss": [4], "half": [4], "time": [1]}


def test_clear_and_clear_output():
    buffer = LogBuffer()
    buffer.update({"loss": 1.0})
    buffer.average()
    buffer.output["mIoU"] = 0.5
    buffer.clear_output()
    assert not buffer.ready
    assert not buffer.output
    buffer.average()
    assert buffer.output == {"loss": 1.0}
    buffer.clear()
    assert not buffer.val_history
    assert not buffer.n_history
    assert not buffer.ready
    buffer.average()
    assert not buffer.output


def test_history_is_bounded():
    buffer = LogBuffer()
    for i in range(2 * MAX_HISTORY):
        buffer.update({"loss": float(i)})
    assert len(buffer.val_history["loss"]) == len(buffer.n_history["loss"]) == MAX_HISTORY
    buffer.average(2)
    assert buffer.output["loss"] == 2 * MAX_HISTORY - 1.5


def test_values_that_cannot_be_averaged_are_refused():
    buffer = LogBuffer()
    with pytest.raises(TypeError, match="scores: only tensors with one element"):
        buffer.update({"scores": torch.zeros(3)})
    with pytest.raises(AssertionError, match="a dict of values"):
        buffer.update(1.0)
    with pytest.raises(AssertionError, match="negative"):
        buffer.average(-1)


def test_a_restored_buffer_averages_as_the_old_one(tmp_path):
    buffer = LogBuffer()
    for i in range(7):
        buffer.update({"loss": torch.tensor(float(i))}, i + 1)
    torch.save(buffer.state_dict(), tmp_path / "state.pth")
    restored = LogBuffer()
    restored.update({"stale": 1.0})
    restored.load_state_dict(torch.load(tmp_path / "state.pth", weights_only=True))
    for one in (buffer, restored):
        one.update({"loss": torch.tensor(9.0)}, 2)
        one.average(5)
    assert buffer.output == restored.output


def run_rank(folder, rank):
    dist.init_process_group("gloo", f"file://{folder}/store", rank=rank, world_size=2)
    buffer, other = LogBuffer(), LogBuffer()
    for i in range(3):
        buffer.update({"loss": torch.tensor(float(10 * i + rank)), "time": 1.0 + rank}, 2)
    calls = []
    reduce = dist.all_reduce
    dist.all_reduce = lambda *args, **kwargs: (calls.append(1), reduce(*args, **kwargs))
    buffer.average(2)
    buffer.average(3)
    output, num_calls, state = dict(buffer.output), len(calls), buffer.state_dict()
    other.update({"loss" if rank else "loss_rank0": torch.tensor(1.0)})
    message = ""
    try:
        other.average()
    except RuntimeError as error:
        message = str(error)
    torch.save((output, num_calls, state, message), f"{folder}/{rank}.pth")
    dist.destroy_process_group()


def test_two_ranks_log_their_mean_with_one_reduction(tmp_path):
    command = [sys.executable, __file__, str(tmp_path)]
    ranks = [subprocess.Popen([*command, str(rank)]) for rank in range(2)]
    assert [process.wait(timeout=120) for process in ranks] == [0, 0]
    results = [torch.load(tmp_path / f"{rank}.pth") for rank in range(2)]
    for rank, (output, num_calls, state, message) in enumerate(results):
        assert output == {"loss": 10.5, "time": 1.0 + rank}
        assert num_calls == 1
        assert state["val_history"]["loss"] == [0.5, 10.5, 20.5]
        assert f"rank {rank} has loss" in message


if __name__ == "__main__":  # one of the two processes
    run_rank(sys.argv[1], int(sys.argv[2]))
