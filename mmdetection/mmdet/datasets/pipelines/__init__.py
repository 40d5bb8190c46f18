"""Steps of data pipelines: those of detection, and mmcv's under their 1.x path."""

from mmdet.datasets.pipelines.affine import RandomAffine
from mmdet.datasets.pipelines.albu import Albu
from mmdet.datasets.pipelines.auto_augment import AutoAugment, Rotate, Shear, Translate
from mmdet.datasets.pipelines.compose import Compose
from mmdet.datasets.pipelines.cropping import Expand, MinIoURandomCrop, RandomCrop
from mmdet.datasets.pipelines.enhance import (
    BrightnessTransform,
    ColorTransform,
    ContrastTransform,
    EqualizeTransform,
)
from mmdet.datasets.pipelines.formatting import (
    Collect,
    DefaultFormatBundle,
    ImageToTensor,
    ToDataContainer,
    ToTensor,
    Transpose,
    WrapFieldsToLists,
    to_tensor,
)
from mmdet.datasets.pipelines.geometric import Pad, RandomFlip, RandomShift, Resize, SegRescale
from mmdet.datasets.pipelines.loading import (
    FilterAnnotations,
    LoadAnnotations,
    LoadImageFromFile,
    LoadImageFromWebcam,
    LoadMultiChannelImageFromFiles,
    LoadProposals,
)
from mmdet.datasets.pipelines.mixing import CopyPaste, MixUp, Mosaic
from mmdet.datasets.pipelines.photometric import (
    CutOut,
    Normalize,
    PhotoMetricDistortion,
    YOLOXHSVRandomAug,
)
from mmdet.datasets.pipelines.test_time_aug import MultiScaleFlipAug

__all__ = [
    "Albu",
    "AutoAugment",
    "BrightnessTransform",
    "Collect",
    "ColorTransform",
    "Compose",
    "ContrastTransform",
    "CopyPaste",
    "CutOut",
    "DefaultFormatBundle",
    "EqualizeTransform",
    "Expand",
    "FilterAnnotations",
    "ImageToTensor",
    "LoadAnnotations",
    "LoadImageFromFile",
    "LoadImageFromWebcam",
    "LoadMultiChannelImageFromFiles",
    "LoadProposals",
    "MinIoURandomCrop",
    "MixUp",
    "Mosaic",
    "MultiScaleFlipAug",
    "Normalize",
    "Pad",
    "PhotoMetricDistortion",
    "RandomAffine",
    "RandomCrop",
    "RandomFlip",
    "RandomShift",
    "Resize",
    "Rotate",
    "SegRescale",
    "Shear",
    "ToDataContainer",
    "ToTensor",
    "Translate",
    "Transpose",
    "WrapFieldsToLists",
    "YOLOXHSVRandomAug",
    "to_tensor",
]
