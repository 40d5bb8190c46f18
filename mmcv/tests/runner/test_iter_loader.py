import logging

import pytest
import torch
from torch.utils.data import DataLoader, DistributedSampler

from mmcv.data import build_dataloader
from mmcv.runner.iter_loader import IterLoader


class Noisy:
    """Samples whose random numbers show whether a resumed loader draws the same ones."""

    def __len__(self):
        return 7

    def __getitem__(self, i):
        return {"img": torch.rand(1), "index": i}


def draw(loader, num):
    return [next(loader) for _ in range(num)]


def test_it_repeats_the_loader_and_counts():
    loader = IterLoader(DataLoader(torch.arange(3), batch_size=2))
    seen = [(loader.epoch, loader.batch, next(loader).tolist()) for _ in range(5)]
    assert seen == [(0, 0, [0, 1]), (0, 1, [2]), (0, 2, [0, 1]), (1, 1, [2]), (1, 2, [0, 1])]
    assert len(loader) == 2 and loader.batch_size == 2  # attributes of the loader


def test_samplers_are_told_the_epoch():
    data = torch.arange(6)
    sampler = DistributedSampler(data, num_replicas=1, rank=0, seed=3)
    loader = IterLoader(DataLoader(data, batch_size=6, sampler=sampler))
    for epoch in range(3):
        generator = torch.Generator().manual_seed(3 + epoch)
        expected = torch.randperm(6, generator=generator)
        assert torch.equal(next(loader), expected)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("position", [(0, 0), (0, 2), (0, 3), (1, 1), (2, 0)])
def test_our_loader_continues_at_any_position_with_the_same_numbers(position, workers):
    def make():
        options = {"workers_per_gpu": workers, "seed": 5, "drop_last": True}
        return IterLoader(build_dataloader(Noisy(), 2, **options))

    whole, continued = make(), make()
    epoch, batch = position
    drawn = draw(whole, 3 * epoch + batch)
    assert len(drawn) == 3 * epoch + batch
    torch.rand(3)
    continued.seek(epoch, batch)
    for a, b in zip(draw(whole, 5), draw(continued, 5), strict=True):
        assert a["index"] == b["index"]
        assert torch.equal(torch.stack(list(a["img"])), torch.stack(list(b["img"])))


def test_other_loaders_draw_and_drop_what_was_used(caplog):
    loader = IterLoader(DataLoader(torch.arange(4), batch_size=1))
    loader.seek(1, 2)
    with caplog.at_level(logging.WARNING):
        assert next(loader).item() == 2
    assert "has no set_position: the first 2 batches" in caplog.text
    assert (loader.epoch, loader.batch) == (1, 3)
