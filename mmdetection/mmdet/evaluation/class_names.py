"""Class names by the name of a data set."""

from __future__ import annotations

from mmcv.registry import did_you_mean
from mmdet.evaluation.label_sets import CITYSCAPES, COCO, VOC

ALIASES = {
    "voc": ("voc", "pascal_voc", "voc07", "voc12"),
    "coco": ("coco", "mscoco", "ms_coco"),
    "wider_face": ("WIDERFaceDataset", "wider_face", "WIDERFace"),
    "cityscapes": ("cityscapes",),
}


def voc_classes() -> list[str]:
    """Returns the 20 classes of Pascal VOC."""
    return list(VOC.names)


def coco_classes() -> list[str]:
    """Returns the 80 classes of COCO, with underscores as 1.x has them here."""
    return [name.replace(" ", "_") for name in COCO.names]


def cityscapes_classes() -> list[str]:
    """Returns the 8 classes of objects of Cityscapes."""
    return list(CITYSCAPES.names)


def wider_face_classes() -> list[str]:
    """Returns the class of WIDER FACE."""
    return ["face"]


def get_classes(dataset: str) -> list[str]:
    """Returns the class names of a data set, such as ``"coco"`` or ``"voc07"``."""
    if not isinstance(dataset, str):
        raise TypeError(f"dataset must a str, but got {type(dataset)}")
    functions = {
        "voc": voc_classes,
        "coco": coco_classes,
        "wider_face": wider_face_classes,
        "cityscapes": cityscapes_classes,
    }
    for name, aliases in ALIASES.items():
        if dataset in aliases:
            return functions[name]()
    known = [alias for aliases in ALIASES.values() for alias in aliases]
    raise ValueError(f"Unrecognized dataset: {dataset}{did_you_mean(dataset, known)}")
