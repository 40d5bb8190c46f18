import multiprocessing
import subprocess
from datetime import timedelta

import pytest
import torch
import torch.distributed as dist

from mmcv.runner import dist_utils
from mmcv.runner.dist_utils import (
    all_gather_objects,
    allreduce_grads,
    allreduce_params,
    broadcast_object,
    get_dist_info,
    init_dist,
    master_only,
)


@pytest.fixture(autouse=True)
def start_method_of_workers_stays():
    before = multiprocessing.get_start_method(allow_none=True)
    yield
    multiprocessing.set_start_method(before, force=True)


@pytest.fixture
def started(monkeypatch):
    """Records how the process group would be made; the environment is restored."""
    calls = []
    monkeypatch.setattr(dist, "init_process_group", lambda **kwargs: calls.append(kwargs))
    monkeypatch.setattr(subprocess, "getoutput", lambda command: calls.append(command) or "node7")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    for name in ("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.setenv(name, "x")
        monkeypatch.delenv(name)
    return calls


def slurm(monkeypatch, rank=0, num=1, nodes="[0]"):
    monkeypatch.setenv("SLURM_PROCID", str(rank))
    monkeypatch.setenv("SLURM_NTASKS", str(num))
    monkeypatch.setenv("SLURM_NODELIST", nodes)


def test_without_a_process_group():
    assert get_dist_info() == (0, 1)
    assert broadcast_object("x") == "x"
    assert all_gather_objects("x") == ["x"]
    assert master_only(lambda x: x + 1)(1) == 2
    tensor = torch.ones(2)
    allreduce_params([tensor])
    assert tensor.tolist() == [1, 1]


def test_unknown_launchers_are_refused():
    with pytest.raises(ValueError, match="Invalid launcher type: pytroch"):
        init_dist("pytroch")


def test_nccl_becomes_gloo_without_a_gpu(started, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    init_dist("pytorch", backend="nccl", timeout=5)
    assert started == [{"backend": "gloo", "timeout": timedelta(seconds=5)}]


def test_nccl_stays_with_gpus_and_the_local_rank_chooses_one(started, monkeypatch):
    chosen = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    slurm(monkeypatch, rank=3, num=4)
    init_dist("slurm")
    assert started[-1] == {"backend": "nccl"}
    assert chosen == [1]


def test_torchrun_is_named_if_its_variables_are_missing(started):
    with pytest.raises(ValueError, match="RANK, which torchrun sets; start with tools/dist_train"):
        init_dist("pytorch")


def test_slurm_sets_the_variables_of_torchrun(started, monkeypatch):
    import os

    monkeypatch.setattr(dist_utils, "_is_free", lambda port: True)
    slurm(monkeypatch, rank=1, num=4, nodes="n[3-4]")
    init_dist("slurm")
    assert started[0] == "scontrol show hostname n[3-4] | head -n1"
    expected = {"MASTER_PORT": "29500", "MASTER_ADDR": "node7", "WORLD_SIZE": "4", "RANK": "1"}
    assert {key: os.environ[key] for key in expected} == expected
    init_dist("slurm", port=29505)
    assert os.environ["MASTER_PORT"] == "29505"
    init_dist("slurm")  # from the environment
    assert os.environ["MASTER_PORT"] == "29505"


def test_slurm_takes_another_port_only_for_a_lone_process(started, monkeypatch):
    import os

    monkeypatch.setattr(dist_utils, "_is_free", lambda port: False)
    slurm(monkeypatch)
    init_dist("slurm")
    assert os.environ["MASTER_PORT"] != "29500"
    monkeypatch.delenv("MASTER_PORT")
    slurm(monkeypatch, num=2)  # the others could not know it
    init_dist("slurm")
    assert os.environ["MASTER_PORT"] == "29500"


def test_mpi_variables(started, monkeypatch):
    import os

    with pytest.raises(ValueError, match="OMPI_COMM_WORLD_RANK"):
        init_dist("mpi")
    for name, value in (("RANK", "2"), ("SIZE", "4"), ("LOCAL_RANK", "0")):
        monkeypatch.setenv(f"OMPI_COMM_WORLD_{name}", value)
    init_dist("mpi")
    assert (os.environ["RANK"], os.environ["WORLD_SIZE"]) == ("2", "4")


@pytest.fixture
def two_ranks(monkeypatch):
    """Lets collectives behave as if another rank held twice this one's values."""
    monkeypatch.setattr(dist_utils, "get_dist_info", lambda: (0, 2))
    monkeypatch.setattr(dist, "all_reduce", lambda t: t.mul_(3))


@pytest.mark.parametrize("options", [{}, {"coalesce": False}, {"bucket_size_mb": 1}])
def test_averages_over_ranks(two_ranks, options):
    params = [torch.full((600, 300), 2.0), torch.tensor(4.0), torch.tensor([2, 4])]
    allreduce_params(params, **options)  # (v + 2 v) / 2
    assert params[0].unique().tolist() == [3.0]
    assert params[1].item() == 6.0
    assert params[2].tolist() == [3, 6] and params[2].dtype == torch.int64


def test_averages_of_gradients_that_exist(two_ranks):
    params = [torch.nn.Parameter(torch.zeros(2)) for _ in range(2)]
    params[0].grad = torch.tensor([2.0, 4.0])
    allreduce_grads(params)
    assert params[0].grad.tolist() == [3.0, 6.0]
    assert params[1].grad is None
