"""The engine that both tasks share.

As in 1.x, what ``mmcv.utils``, ``mmcv.fileio``, ``mmcv.image`` and ``mmcv.visualization`` offer is
here too (``mmcv.imread``, ``mmcv.Config``, ``mmcv.load``). They are imported when first asked for:
``import mmcv`` costs nothing.
"""

import importlib
from typing import Any

__version__ = "1.7.0"  # the 1.x release whose interface this is: plug-ins check it
version_info = (1, 7, 0)

_SOURCES = ("mmcv.utils", "mmcv.fileio", "mmcv.image", "mmcv.visualization")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    for source in _SOURCES:
        module = importlib.import_module(source)
        if name in module.__all__:
            return getattr(module, name)
    raise AttributeError(f"module 'mmcv' has no attribute {name!r}")


def __dir__() -> list[str]:
    names = {name for source in _SOURCES for name in importlib.import_module(source).__all__}
    return sorted(names | set(globals()))
