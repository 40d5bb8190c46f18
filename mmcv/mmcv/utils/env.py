"""What a run depended on: versions, devices, compilers. Goes into logs and checkpoints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from importlib import metadata

NOT_AVAILABLE = "n/a"


def collect_env() -> dict[str, str | bool]:
    """Returns the environment by name, in the order in which it is printed.

    Works without CUDA and without compilers: what is missing reads ``n/a``, and the CUDA entries
    appear only where a device is. ``MMCV Compiler`` stays for readers of 1.x logs; nothing is
    compiled here.
    """
    import torch

    import mmcv

    info: dict[str, str | bool] = {
        "sys.platform": sys.platform,
        "Python": sys.version.replace("\n", ""),
        "CUDA available": torch.cuda.is_available(),
    }
    if torch.cuda.is_available():
        info |= _cuda()
    info["GCC"] = _first_line("gcc", "--version")
    info["PyTorch"] = torch.__version__
    info["PyTorch compiling details"] = torch.__config__.show()
    info["TorchVision"] = _installed_version("torchvision")
    info["OpenCV"] = _version("cv2")
    info["MMCV"] = getattr(mmcv, "__version__", NOT_AVAILABLE)
    info |= {"MMCV Compiler": NOT_AVAILABLE, "MMCV CUDA Compiler": NOT_AVAILABLE}
    return info


def _cuda() -> dict[str, str | bool]:
    import torch

    devices: dict[str, list[str]] = defaultdict(list)
    for index in range(torch.cuda.device_count()):
        devices[torch.cuda.get_device_name(index)].append(str(index))
    info: dict[str, str | bool] = {f"GPU {','.join(ids)}": name for name, ids in devices.items()}
    nvcc = shutil.which("nvcc") or ""
    home = os.environ.get("CUDA_HOME") or os.path.dirname(os.path.dirname(nvcc))
    info["CUDA_HOME"] = home or NOT_AVAILABLE
    info["NVCC"] = _last_line(os.path.join(home, "bin", "nvcc"), "-V")
    return info


def _installed_version(distribution: str) -> str:
    # Importing torchvision takes longer than building a small model.
    if distribution in sys.modules:
        return _version(distribution)
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return NOT_AVAILABLE


def _version(module: str) -> str:
    try:
        return __import__(module).__version__
    except ImportError:
        return NOT_AVAILABLE


def _first_line(*command: str) -> str:
    return (_output(*command).splitlines() or [NOT_AVAILABLE])[0]


def _last_line(*command: str) -> str:
    return (_output(*command).splitlines() or [NOT_AVAILABLE])[-1]


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
