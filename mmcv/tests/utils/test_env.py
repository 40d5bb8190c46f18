"""mmcv.utils.env: the environment, on machines of all kinds."""

import subprocess
import sys

import cv2
import pytest
import torch
import torchvision

from mmcv.utils.env import collect_env

KEYS_WITHOUT_CUDA = [
    "sys.platform",
    "Python",
    "CUDA available",
    "GCC",
    "PyTorch",
    "PyTorch compiling details",
    "TorchVision",
    "OpenCV",
    "MMCV",
    "MMCV Compiler",
    "MMCV CUDA Compiler",
]


def test_names_and_versions():
    info = collect_env()
    assert [key for key in info if key in KEYS_WITHOUT_CUDA] == KEYS_WITHOUT_CUDA
    assert info["sys.platform"] == sys.platform
    assert info["Python"] == sys.version.replace("\n", "")
    assert info["PyTorch"] == torch.__version__
    assert info["TorchVision"] == torchvision.__version__
    assert info["OpenCV"] == cv2.__version__


def test_a_machine_without_compilers(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert collect_env()["GCC"] == "n/a"


def test_a_compiler_that_fails(monkeypatch):
    def fail(*args, **kwargs):
        raise subprocess.TimeoutExpired("gcc", 30)

    monkeypatch.setattr(subprocess, "run", fail)
    assert collect_env()["GCC"] == "n/a"


def test_equal_devices_share_a_line(monkeypatch):
    names = ["A", "A", "B"]
    monkeypatch.setenv("CUDA_HOME", "/no/such/folder")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
    monkeypatch.setattr(torch.cuda, "get_device_name", names.__getitem__)
    info = collect_env()
    assert info["GPU 0,1"] == "A" and info["GPU 2"] == "B"
    assert info["CUDA_HOME"] == "/no/such/folder" and info["NVCC"] == "n/a"


@pytest.mark.gpu
def test_a_real_device_is_named():
    info = collect_env()
    assert info["CUDA available"] is True
    assert torch.cuda.get_device_name(0) in info.values()
