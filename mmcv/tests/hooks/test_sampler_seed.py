from types import SimpleNamespace

from mmcv.hooks.sampler_seed import DistSamplerSeedHook


class Sampler:
    def set_epoch(self, epoch):
        self.epoch = epoch


def test_the_sampler_or_that_of_the_batch_sampler_is_told_the_epoch():
    direct, inner = Sampler(), Sampler()
    loader = SimpleNamespace(sampler=direct, batch_sampler=SimpleNamespace(sampler=inner))
    DistSamplerSeedHook().before_epoch(SimpleNamespace(data_loader=loader, epoch=3))
    assert direct.epoch == 3 and not hasattr(inner, "epoch")
    loader.sampler = object()
    DistSamplerSeedHook().before_train_epoch(SimpleNamespace(data_loader=loader, epoch=4))
    assert inner.epoch == 4
    loader.batch_sampler = None
    DistSamplerSeedHook().before_epoch(SimpleNamespace(data_loader=loader, epoch=5))
