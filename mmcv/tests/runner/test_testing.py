import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mmcv.data import build_dataloader
from mmcv.engine import collect_results_cpu, collect_results_gpu, multi_gpu_test, single_gpu_test
from mmcv.runner import dist_utils, testing
from mmcv.runner.testing import run_inference


class Numbers(Dataset):
    def __init__(self, size=5):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        return {"img": [torch.tensor([float(i)])], "img_metas": [{"filename": str(i)}]}

    def pre_eval(self, predictions, indices):
        return [(i, p + 0.5) for i, p in zip(indices, predictions, strict=True)]


class Square(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.calls = []

    def forward(self, img, img_metas, return_loss=True):
        assert not return_loss and not self.training and not torch.is_grad_enabled()
        self.calls.append([meta["filename"] for meta in img_metas[0]])
        return [(x.item() ** 2) for x in img[0]]


def loader(size=5, batch_size=2, **options):
    return build_dataloader(Numbers(size), batch_size, 0, shuffle=False, **options)


def test_predictions_come_in_the_order_of_the_data_set():
    model = Square().train()
    assert run_inference(model, loader(), progress=False) == [0, 1, 4, 9, 16]
    assert model.calls == [["0", "1"], ["2", "3"], ["4"]]
    assert model.training  # as before


def test_records_instead_of_predictions():
    expected = [(i, i * i + 0.5) for i in range(5)]
    assert run_inference(Square(), loader(), pre_eval=True, progress=False) == expected
    reduce = Numbers().pre_eval
    assert run_inference(Square(), loader(), pre_eval=reduce, progress=False) == expected


def test_results_can_be_shown_as_they_come():
    seen = []

    def show(predictions, indices, batch):
        seen.append((predictions, indices, [m["filename"] for m in batch["img_metas"][0]]))

    run_inference(Square(), loader(3), progress=False, on_result=show)
    assert seen == [([0, 1], [0, 1], ["0", "1"]), ([4], [2], ["2"])]


@pytest.mark.parametrize("world_size", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [1, 5, 6])
def test_shards_of_any_number_of_ranks_make_the_whole(world_size, size, monkeypatch):
    parts = []

    def as_rank(rank):
        monkeypatch.setattr(testing, "get_dist_info", lambda: (rank, world_size))

    def gather(mine, everything):
        parts.append(mine)
        if everything is not None:
            everything[:] = [*parts[:-1], mine]

    monkeypatch.setattr(testing.dist, "gather_object", gather)
    results = []
    for rank in range(world_size - 1, -1, -1):  # rank 0 last: it needs the others' parts
        as_rank(rank)
        shard = loader(size, 2, rank=rank, world_size=world_size)
        results.append(run_inference(Square(), shard, progress=False))
    assert results[:-1] == [None] * (world_size - 1)
    assert results[-1] == [i * i for i in range(size)]


def test_a_model_must_give_one_result_per_sample_if_there_are_ranks(monkeypatch):
    monkeypatch.setattr(testing, "get_dist_info", lambda: (0, 2))
    with pytest.raises(ValueError, match="1 results for 2 samples"):
        run_inference(Square(), loader(), pre_eval=lambda p, i: p[:1], progress=False)


def test_1x_functions():
    assert single_gpu_test(Square(), loader()) == [0, 1, 4, 9, 16]
    assert multi_gpu_test(Square(), loader(), tmpdir="x", gpu_collect=True) == [0, 1, 4, 9, 16]
    plain = DataLoader(Numbers(3), batch_size=1, collate_fn=lambda samples: _collated(samples))
    assert single_gpu_test(Square(), plain) == [0, 1, 4]


def _collated(samples):
    return {
        "img": [torch.stack([s["img"][0] for s in samples])],
        "img_metas": [[s["img_metas"][0] for s in samples]],
    }


def test_collecting_takes_the_ranks_in_turn_and_drops_what_was_repeated(monkeypatch):
    from mmcv.engine import test as engine_test

    assert collect_results_cpu([1, 2, 3], 2) == [1, 2]
    monkeypatch.setattr(engine_test, "get_dist_info", lambda: (0, 2))

    def gather(mine, everything):
        everything[:] = [mine, ["b0", "b1", "b2"]]

    monkeypatch.setattr(engine_test.dist, "gather_object", gather)
    expected = ["a0", "b0", "a1", "b1", "a2"]
    assert collect_results_cpu(["a0", "a1", "a2"], 5, tmpdir="x") == expected
    assert collect_results_gpu(["a0", "a1", "a2"], 5) == expected
    monkeypatch.setattr(engine_test, "get_dist_info", lambda: (1, 2))
    monkeypatch.setattr(engine_test.dist, "gather_object", lambda mine, everything: None)
    assert collect_results_cpu(["b0"], 5) is None


def test_the_bar_is_off_on_other_ranks(monkeypatch):
    monkeypatch.setattr(testing, "get_dist_info", lambda: (1, 2))
    assert testing._bar(loader(), True).disable
    monkeypatch.setattr(testing, "get_dist_info", dist_utils.get_dist_info)
    bar = testing._bar(loader(), True)
    assert not bar.disable and bar.total == 5
    bar.close()
