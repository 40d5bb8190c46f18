"""mmcv.utils as a package: its names, and the cost of importing it."""

import subprocess
import sys

import pytest
import torch
from torch import nn

import mmcv.utils
from mmcv.utils import parrots_wrapper
from mmcv.utils.torch_ops import is_jit_tracing, torch_meshgrid

# The names that public 1.x plug-ins import from mmcv.utils.
PLUGIN_NAMES = """
    get_git_hash Registry build_from_cfg deprecated_api_warning mkdir_or_exist to_2tuple Config
    print_log ConfigDict DictAction collect_env get_logger digit_version is_tuple_of TORCH_VERSION
"""


@pytest.mark.parametrize("name", [*mmcv.utils.__all__, *PLUGIN_NAMES.split()])
def test_every_name_is_there(name):
    assert getattr(mmcv.utils, name) is not None or name == "CUDA_HOME"
    assert name in dir(mmcv.utils)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = mmcv.utils.no_such_name
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = parrots_wrapper.no_such_name


def test_names_are_the_same_objects_everywhere():
    from mmcv.config import Config, ConfigDict
    from mmcv.registry import Registry
    from mmcv.utils.config import ConfigDict as ConfigDictAtItsPath
    from mmcv.utils.registry import Registry as RegistryAtItsPath

    assert mmcv.utils.Registry is Registry is RegistryAtItsPath
    assert mmcv.utils.Config is Config
    assert ConfigDictAtItsPath is ConfigDict


def test_importing_the_package_does_not_import_torch():
    code = (
        "import sys, mmcv.utils, mmcv.fileio;"
        "mmcv.utils.is_str('a'); mmcv.utils.get_logger('a').info('b'); mmcv.utils.scandir('.');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_base_classes_recognise_layers():
    assert isinstance(nn.BatchNorm2d(1), parrots_wrapper._BatchNorm)
    assert isinstance(nn.InstanceNorm2d(1), parrots_wrapper._InstanceNorm)
    assert isinstance(parrots_wrapper.SyncBatchNorm(1), parrots_wrapper._BatchNorm)
    assert isinstance(nn.Conv3d(1, 1, 1), parrots_wrapper._ConvNd)
    assert isinstance(nn.ConvTranspose2d(1, 1, 1), parrots_wrapper._ConvTransposeMixin)
    assert isinstance(nn.MaxPool1d(2), parrots_wrapper._MaxPoolNd)
    assert parrots_wrapper.PoolDataLoader is torch.utils.data.DataLoader
    assert torch.__version__ == parrots_wrapper.TORCH_VERSION
    assert parrots_wrapper.is_rocm_pytorch() is False
    assert "PyTorch built with" in parrots_wrapper.get_build_config()


def test_jit_leaves_functions_alone():
    def func(x):
        return x

    assert mmcv.utils.jit(func) is func
    assert mmcv.utils.jit(derivate=True, coderize=True)(func) is func
    assert mmcv.utils.skip_no_elena(func) is func


def test_torch_meshgrid_is_in_matrix_order():
    y, x = torch_meshgrid(torch.arange(2), torch.arange(3))
    assert y.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert x.tolist() == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace.*:DeprecationWarning")
def test_is_jit_tracing():
    seen = []

    def func(x):
        seen.append(is_jit_tracing())
        return x + 1

    torch.jit.trace(func, torch.zeros(1), check_trace=False)
    assert seen == [True]
    assert is_jit_tracing() is False
