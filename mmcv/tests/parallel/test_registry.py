from torch import nn
from torch.nn.parallel import DataParallel

from mmcv.parallel import MODULE_WRAPPERS, MMDataParallel, is_module_wrapper
from mmcv.registry import Registry

PLUGIN_WRAPPERS = Registry("module wrapper", parent=MODULE_WRAPPERS, scope="wrapper_test")


class Wrapper:
    def __init__(self, module) -> None:
        self.module = module


class PluginWrapper(Wrapper):
    pass


def test_registered_wrappers_are_recognised():
    model = nn.Linear(2, 2)
    assert not is_module_wrapper(model)
    assert is_module_wrapper(MMDataParallel(model)) and is_module_wrapper(DataParallel(model))
    assert not is_module_wrapper(Wrapper(model))  # type: ignore[arg-type]
    PLUGIN_WRAPPERS.register_module(module=PluginWrapper)
    assert is_module_wrapper(PluginWrapper(model))  # type: ignore[arg-type]
