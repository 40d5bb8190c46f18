import math
import os
import socket

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DistributedSampler as TorchDistributedSampler

from mmcv.data import DistributedSampler, build_dataloader, sync_random_seed
from mmcv.data.samplers import OrderedSampler, ShuffledSampler


def original_order(length, *, world, rank, shuffle, seed, epoch):
    """1.x: shuffled by seed + epoch, repeated to go round, every world-th from rank on."""
    generator = torch.Generator()
    generator.manual_seed(seed + epoch)
    indices = list(range(length))
    if shuffle:
        indices = torch.randperm(length, generator=generator).tolist()
    total = math.ceil(length / world) * world
    while len(indices) < total:
        indices = indices + indices
    return indices[:total][rank::world]


cases = dict(
    length=st.integers(1, 40),
    world=st.integers(1, 6),
    shuffle=st.booleans(),
    seed=st.integers(0, 50),
    epoch=st.integers(0, 3),
)


@settings(max_examples=80, deadline=None)
@given(**cases)
def test_order_is_that_of_the_original(length, world, shuffle, seed, epoch):
    for rank in range(world):
        sampler = DistributedSampler(range(length), world, rank, shuffle, seed)
        sampler.set_epoch(epoch)
        expected = original_order(
            length, world=world, rank=rank, shuffle=shuffle, seed=seed, epoch=epoch
        )
        assert list(sampler) == sampler.indices == expected
        assert len(sampler) == len(expected)


@settings(max_examples=60, deadline=None)
@given(**cases, split=st.integers(1, 6))
def test_samples_and_seeds_do_not_depend_on_the_number_of_ranks(
    length, world, shuffle, seed, epoch, split
):
    def by_position(world):
        positions = {}
        for rank in range(world):
            sampler = DistributedSampler(range(length), world, rank, shuffle, seed)
            sampler.set_epoch(epoch)
            for index in sampler:
                positions[index.entropy] = int(index)
        return positions

    one, many = by_position(1), by_position(world)
    assert one.items() <= many.items()
    assert {entropy for entropy in one} == {(seed, epoch, p) for p in range(length)}


@settings(max_examples=60, deadline=None)
@given(**cases, start=st.integers(0, 45))
def test_position_skips_exactly_what_came_before(length, world, shuffle, seed, epoch, start):
    sampler = DistributedSampler(range(length), world, 0, shuffle, seed)
    sampler.set_epoch(epoch)
    whole = [(int(i), i.entropy) for i in sampler]
    sampler.set_position(epoch, start)
    sampler.set_epoch(epoch)  # hooks do this at the start of an epoch
    assert [(int(i), i.entropy) for i in sampler] == whole[start:]
    assert [(int(i), i.entropy) for i in sampler] == whole
    assert len(sampler) == len(whole)
    sampler.set_position(epoch, start)
    sampler.set_epoch(epoch + 1)  # another epoch starts at its beginning
    assert len(list(sampler)) == len(whole)


def test_drop_last_leaves_out_what_does_not_go_round():
    seen = [int(i) for r in range(3) for i in DistributedSampler(range(11), 3, r, drop_last=True)]
    assert len(seen) == len(set(seen)) == 9


def test_it_is_torchs_sampler_to_who_asks():
    assert isinstance(DistributedSampler(range(3)), TorchDistributedSampler)
    assert isinstance(ShuffledSampler(range(3)), torch.utils.data.RandomSampler)
    assert isinstance(OrderedSampler(range(3)), torch.utils.data.SequentialSampler)
    assert list(ShuffledSampler(range(9), 4)) == list(DistributedSampler(range(9), 1, 0, seed=4))
    assert list(OrderedSampler(range(9))) == list(range(9))


def test_without_process_group_there_is_one_rank():
    sampler = DistributedSampler(range(5))
    assert (sampler.num_replicas, sampler.rank) == (1, 0)
    assert sync_random_seed(5) == 5 and 0 <= sync_random_seed() < 2**31
    with pytest.raises(ValueError, match="rank"):
        DistributedSampler(range(5), 2, 2)


def run_rank(rank: int, port: int) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=2)
    data_loader = build_dataloader(range(20), 2, 0, seed=7 + rank)
    assert (data_loader.sampler.num_replicas, data_loader.sampler.rank) == (2, rank)
    assert data_loader.sampler.seed == 7
    drawn = torch.tensor(sync_random_seed())
    parts = [torch.zeros_like(drawn) for _ in range(2)]
    dist.all_gather(parts, drawn)
    assert parts[0] == parts[1]
    dist.destroy_process_group()


def test_all_ranks_use_the_seed_of_rank_0():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    # Forked, because this file is not importable by name in a fresh interpreter.
    mp.start_processes(run_rank, args=(port,), nprocs=2, start_method="fork")
