import random

import numpy as np
import torch

from mmcv.runner.files import read_file, save_file
from mmcv.runner.seed import (
    get_rng_state,
    init_random_seed,
    set_random_seed,
    set_rng_state,
)


def draw():
    normal = np.random.randn()  # numpy keeps a second normal number for the next call
    return random.random(), random.gauss(0, 1), normal, np.random.rand(), torch.rand(2).tolist()


def test_seeds_make_all_generators_repeat():
    set_random_seed(7)
    first = draw()
    set_random_seed(7)
    assert draw() == first
    set_random_seed(8)
    assert draw() != first


def test_deterministic_is_for_cudnn(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    set_random_seed(7, deterministic=True)
    assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark


def test_ranks_may_differ(monkeypatch):
    from mmcv.runner import seed

    set_random_seed(9)
    expected = draw()
    monkeypatch.setattr(seed, "get_dist_info", lambda: (2, 4))
    set_random_seed(7, use_rank_shift=True)
    assert draw() == expected


def test_a_seed_is_kept_or_drawn():
    assert init_random_seed(5) == 5
    assert init_random_seed(0) == 0
    seeds = {init_random_seed() for _ in range(4)}
    assert len(seeds) > 1 and all(0 <= s < 2**31 for s in seeds)


def test_generators_continue_from_a_stored_state(tmp_path):
    set_random_seed(7)
    np.random.randn(), random.gauss(0, 1)  # leave half a pair of normal numbers behind
    save_file(tmp_path / "a.pth", get_rng_state())
    expected = draw()
    draw()
    set_rng_state(read_file(tmp_path / "a.pth"))
    assert draw() == expected
