"""1.x import path of the building blocks; they live in ``mmcv.cnn``."""

from mmcv.cnn import *  # noqa: F403  # pyright: ignore[reportWildcardImportFromLibrary]
