"""1.x import path of ``mmcv.hooks``."""

from mmcv.hooks import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]
from mmcv.hooks import __all__ as __all__
