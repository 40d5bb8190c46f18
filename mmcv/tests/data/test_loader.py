import math
import os
import random

import cv2
import numpy as np
import pytest
import torch

from mmcv.data import DataError, build_dataloader, check_label_range
from mmcv.registry import ConfigError
from mmcv.transforms import Compose


class Augmented:
    """Samples that depend on all three generators, as augmentations do."""

    CLASSES = ("thing",)

    def __init__(self, length: int = 22) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index):
        drawn = [random.random(), np.random.rand(), torch.rand(1).item()]
        return {"img_metas": {"index": int(index), "drawn": drawn}}


def loader(**options):
    defaults = {"samples_per_gpu": 4, "workers_per_gpu": 0, "seed": 3, "drop_last": True}
    return build_dataloader(options.pop("dataset", Augmented()), **{**defaults, **options})


def batches(data_loader):
    return [[(m["index"], *m["drawn"]) for m in batch["img_metas"]] for batch in data_loader]


@pytest.fixture(scope="module")
def reference():
    """Three epochs of one rank without workers."""
    data_loader = loader()
    epochs = []
    for epoch in range(3):
        data_loader.sampler.set_epoch(epoch)
        epochs.append(batches(data_loader))
    return epochs


def test_epochs_differ_and_hold_whole_batches(reference):
    assert [len(epoch) for epoch in reference] == [5, 5, 5]
    drawn = {sample[1:] for epoch in reference for batch in epoch for sample in batch}
    assert len(drawn) == 60
    for epoch in reference:
        indices = [sample[0] for batch in epoch for sample in batch]
        assert len(set(indices)) == 20


@pytest.mark.parametrize("world", [2, 4])
def test_ranks_share_the_global_batches_of_one_rank(reference, world):
    ranks = [loader(samples_per_gpu=4 // world, rank=r, world_size=world) for r in range(world)]
    for epoch, expected in enumerate(reference):
        for data_loader in ranks:
            data_loader.sampler.set_epoch(epoch)
        assert [len(r) for r in ranks] == [5] * world
        together = [
            [sample for part in parts for sample in part]
            for parts in zip(*map(batches, ranks), strict=True)
        ]
        assert [sorted(batch) for batch in together] == [sorted(batch) for batch in expected]


@pytest.mark.parametrize("persistent", [True, False])
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(reference, workers, persistent):
    data_loader = loader(workers_per_gpu=workers, persistent_workers=persistent)
    for epoch, expected in enumerate(reference):
        data_loader.sampler.set_epoch(epoch)
        assert batches(data_loader) == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_a_positioned_loader_goes_on_as_an_uninterrupted_one(reference, workers):
    data_loader = loader(workers_per_gpu=workers)
    for epoch, batch in [(1, 3), (0, 0), (2, 5), (2, 1)]:
        data_loader.set_position(epoch, batch)
        assert len(data_loader) == 5
        assert batches(data_loader) == reference[epoch][batch:]
        data_loader.sampler.set_epoch(epoch + 1)
        assert data_loader.sampler.epoch == epoch + 1
        if epoch + 1 < 3:
            assert batches(data_loader) == reference[epoch + 1]


def test_an_iteration_may_be_given_up_and_started_elsewhere(reference):
    data_loader = loader(workers_per_gpu=2)
    iterator = iter(data_loader)
    assert len(iterator) == 5
    next(iterator)
    data_loader.set_position(1, 2)
    assert batches(data_loader) == reference[1][2:]


def test_loading_leaves_the_global_generators_alone():
    for workers in (0, 1):
        torch.manual_seed(0), np.random.seed(0), random.seed(0)
        expected = random.random(), np.random.rand(), torch.rand(1).item()
        torch.manual_seed(0), np.random.seed(0), random.seed(0)
        batches(loader(workers_per_gpu=workers))
        assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected


@pytest.mark.parametrize(
    ("length", "world", "batch"), [(22, 2, 2), (7, 2, 2), (15, 8, 2), (5, 8, 1), (7, 1, 4)]
)
def test_number_of_training_batches_depends_on_the_global_batch_only(length, world, batch):
    dataset = Augmented(length)
    counts = {
        len(loader(dataset=dataset, samples_per_gpu=batch, rank=r, world_size=world))
        for r in range(world)
    }
    whole = length // (world * batch)
    # Where there is no whole global batch, ranks that repeat samples may still fill theirs.
    assert counts == {whole or math.ceil(length / world) // batch}


def test_evaluation_sees_every_sample_in_order():
    loaders = [
        loader(shuffle=False, drop_last=False, samples_per_gpu=3, rank=r, world_size=4)
        for r in range(4)
    ]
    assert [r.sampler.indices[:3] for r in loaders] == [[r, r + 4, r + 8] for r in range(4)]
    seen = [[m[0] for batch in batches(r) for m in batch] for r in loaders]
    assert seen == [r.sampler.indices for r in loaders]
    assert {index for rank in seen for index in rank} == set(range(22)) and {
        len(s) for s in seen
    } == {6}
    one = loader(shuffle=False, drop_last=False)
    listed = [batch for batch, _ in zip(one.batch_sampler, one, strict=True)]
    assert listed[0] == [0, 1, 2, 3] and listed[-1] == [20, 21]


def test_attributes_are_those_of_1x():
    data_loader = loader(samples_per_gpu=3, workers_per_gpu=2, drop_last=False)
    assert data_loader.batch_size == 3 and data_loader.num_workers == 2
    assert isinstance(data_loader.sampler, torch.utils.data.DistributedSampler)
    assert data_loader.sampler.shuffle and len(data_loader) == 8
    assert data_loader.dataset.CLASSES == ("thing",)
    single = loader(dist=False, num_gpus=3, shuffle=False, drop_last=False)
    assert single.batch_size == 12 and len(single) == 2
    assert isinstance(single.sampler, torch.utils.data.SequentialSampler)
    shuffled = loader(dist=False, num_gpus=1)
    assert isinstance(shuffled.sampler, torch.utils.data.RandomSampler)
    assert batches(shuffled) == batches(loader())


def test_unknown_options_are_config_errors():
    with pytest.raises(ConfigError, match="'prefetch_facto'; did you mean 'prefetch_factor'"):
        loader(prefetch_facto=2)


class WorkerFacts:
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index):
        marked = os.environ.get("MARKED", "")
        return {"img_metas": (torch.get_num_threads(), cv2.getNumThreads(), marked)}


def mark(worker_id: int) -> None:
    os.environ["MARKED"] = str(worker_id)


def test_workers_use_one_thread_each():
    data_loader = build_dataloader(WorkerFacts(), 1, 1, worker_init_fn=mark)
    for batch in data_loader:
        assert batch["img_metas"] == [(1, 1, "0")]


class Files:
    """Images and labels on disk, one of them bad."""

    def __init__(self, folder, name) -> None:
        self.name = name
        self.pipeline = Compose([{"type": "LoadImageFromFile"}])
        self.folder = folder

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index):
        name = self.name if index == 2 else "good.png"
        results = {"img_prefix": str(self.folder), "img_info": {"filename": name}}
        results = self.pipeline(results)
        check_label_range(results["img"][..., 0], 200, 255, name)
        return {"img_metas": results["filename"]}


@pytest.fixture
def folder(tmp_path):
    noise = np.random.RandomState(0).randint(0, 199, (40, 40, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "good.png"), noise)
    cv2.imwrite(str(tmp_path / "label.png"), np.full((4, 4), 222, np.uint8))
    jpeg = cv2.imencode(".jpg", noise)[1].tobytes()
    (tmp_path / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    return tmp_path


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["absent.jpg", "cut.jpg", "label.png"])
def test_a_bad_file_is_one_line_that_names_it(folder, name, workers):
    data_loader = build_dataloader(Files(folder, name), 1, workers, shuffle=False)
    with pytest.raises(DataError) as caught:
        list(data_loader)
    message = str(caught.value)
    assert name in message and "\n" not in message and "Traceback" not in message


@pytest.mark.parametrize("workers", [0, 1])
def test_samples_that_do_not_fit_together_are_one_line(workers):
    class Mixed(Augmented):
        def __getitem__(self, index):
            meta = {"filename": f"{index}.jpg"}
            return {"img": torch.zeros(1 + index % 2, 4, 4), "img_metas": meta}

    data_loader = build_dataloader(Mixed(4), 2, workers, shuffle=False)
    with pytest.raises(DataError, match=r"^cannot batch 'img'.*0\.jpg.*1\.jpg") as caught:
        list(data_loader)
    assert "\n" not in str(caught.value)


def test_a_mistake_in_a_step_keeps_its_traceback():
    class Broken(Augmented):
        def __getitem__(self, index):
            return [][index]

    with pytest.raises(IndexError, match="Traceback"):
        list(build_dataloader(Broken(), 2, 1))


def test_any_collate_function_may_be_used():
    data_loader = build_dataloader(Augmented(4), 2, 0, shuffle=False, collate_fn=len)
    assert list(data_loader) == [2, 2]
