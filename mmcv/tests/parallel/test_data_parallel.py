import os
import socket

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from mmcv.parallel import (
    DataContainer,
    MMDataParallel,
    MMDeepSpeedEngine,
    MMDistributedDataParallel,
    collate,
)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([2.0]))

    def forward(self, img, img_metas, return_loss=True):
        assert isinstance(img_metas[0], dict)
        return {"loss": (self.weight * img).mean()}

    def train_step(self, data, optimizer):
        return {"train": self(**data)["loss"], "optimizer": optimizer}

    def val_step(self, data, optimizer):
        return {"val": self(**data)["loss"], "optimizer": optimizer}


def batch(value: float) -> dict:
    sample = {
        "img": DataContainer(torch.full((1, 2, 2), value), stack=True),
        "img_metas": DataContainer({"n": 1}, cpu_only=True),
    }
    return collate([sample, sample], samples_per_gpu=2)


def test_data_parallel_unwraps_and_calls():
    wrapped = MMDataParallel(Model())
    if wrapped.device_ids:  # with a GPU torch takes all of them by default
        wrapped = MMDataParallel(Model().cuda(), device_ids=[0])
    assert wrapped(**batch(3.0))["loss"].item() == 6
    assert wrapped.train_step(batch(1.0), "optimizer")["train"].item() == 2
    outputs = wrapped.val_step(batch(2.0), optimizer=None)
    assert outputs["val"].item() == 4 and outputs["optimizer"] is None


def run_rank(rank: int, port: int) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    wrapped = MMDistributedDataParallel(Model())
    for step in (wrapped.train_step, wrapped.val_step):
        outputs = step(batch(float(rank + 1)), None)
        next(value for value in outputs.values() if value is not None).backward()
        # The mean over ranks of d(weight * img)/d(weight) = img, which is 1 and 2.
        assert wrapped.module.weight.grad.item() == 1.5
        wrapped.module.weight.grad = None
    wrapped(**batch(float(rank + 1)))["loss"].backward()
    assert wrapped.module.weight.grad.item() == 1.5
    assert "forward" not in vars(wrapped.module)
    dist.destroy_process_group()


def test_train_step_of_ddp_reduces_gradients(unused_port):
    # Forked, because this file is not importable by name in a fresh interpreter.
    mp.start_processes(run_rank, args=(unused_port,), nprocs=2, start_method="fork")


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_engines_are_names_only():
    with pytest.raises(NotImplementedError, match="deepspeed=True"):
        MMDeepSpeedEngine()
