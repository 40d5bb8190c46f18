import gc
import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from mmcv.backbones.intern_vit_block import Block
from mmcv.cnn.recompute import recompute_mode, run_recomputed

TOKENS, WIDTH = 196, 128


class Storages(TorchDispatchMode):
    """Remembers every storage that operations make, without keeping it alive."""

    def __init__(self):
        super().__init__()
        self.made = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                self.made[storage._cdata] = (weakref.ref(storage), storage.nbytes())
        return out

    def alive(self, but_for):
        gc.collect()
        known = {tensor.untyped_storage()._cdata for tensor in but_for}
        made = ((key, *entry) for key, entry in self.made.items() if key not in known)
        return sum(size for _, reference, size in made if reference() is not None)


@pytest.fixture
def block():
    torch.manual_seed(0)
    return Block(WIDTH, 4)


def kept_bytes(block, mode):
    x = torch.randn(2, TOKENS, WIDTH, requires_grad=True)
    with Storages() as storages:
        out = run_recomputed(block, x, (14, 14), mode=mode)
        alive = storages.alive(but_for=[x, out, *block.parameters()])
    out.sum().backward()
    return alive


def executed(block, mode):
    x = torch.randn(2, TOKENS, WIDTH, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        run_recomputed(block, x, (14, 14), mode=mode).sum().backward()
    return counter.get_total_flops()


def test_selective_keeps_at_most_six_tenths_and_repeats_next_to_nothing(block):
    everything = kept_bytes(block, "off")
    token = 2 * TOKENS * WIDTH * 4
    assert 20 * token < everything < 24 * token  # 20, and what the plain norms keep
    assert kept_bytes(block, "selective") <= 0.6 * everything
    assert kept_bytes(block, "full") == 0
    least = executed(block, "off")
    assert executed(block, "selective") <= 1.02 * least
    assert executed(block, "full") > 1.3 * least


def test_modes_of_the_config_key():
    given = (True, False, "selective", "full", "off")
    assert [recompute_mode(m) for m in given] == ["selective", "off", "selective", "full", "off"]
