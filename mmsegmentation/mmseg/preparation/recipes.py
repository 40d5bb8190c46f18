"""What each data set is made of, and how its archives become what the configs read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mmcv.registry import ConfigError
from mmseg.preparation.archives import Archive, check_digest, find_archive, unpack
from mmseg.preparation.labels import cityscapes_table, coco_stuff_table, convert_sbd, renumber


class Recipe(NamedTuple):
    """How a data set is prepared.

    Attributes:
        folder: below ``data/``.
        site: where to get the archives.
        archives: to be downloaded.
        rename: name in an archive -> path below the folder, None for what is not needed.
        convert: what is done when all is unpacked.
        expected: folder below the data set's -> ending and number of its files.
    """

    folder: str
    site: str
    archives: tuple[Archive, ...]
    rename: Callable[[str], str | None]
    convert: Callable[[Path], None]
    expected: dict[str, tuple[str, int]]


def prepare(name: str, archives: Path, data: Path) -> list[str]:
    """Unpacks and converts a data set; what is done already is not done again.

    Args:
        name: one of ``RECIPES``.
        archives: folder with the downloaded files.
        data: folder that configs call ``data``.

    Returns:
        For each expected folder a line with the numbers of files, found and published.

    Raises:
        ConfigError: an archive is missing or damaged.
    """
    recipe = RECIPES[name]
    target = data / recipe.folder
    found = []
    for archive in recipe.archives:
        try:
            path = find_archive(archive, archives)
        except ConfigError as error:
            raise ConfigError(f"{error}: get it from {recipe.site}") from None
        if path is not None:
            check_digest(archive, path)
            found.append(path)
    for path in found:
        unpack(path, target, recipe.rename)
    recipe.convert(target)
    return [_count(target, folder, *what) for folder, what in recipe.expected.items()]


def _count(target: Path, folder: str, suffix: str, published: int) -> str:
    count = sum(
        1 for path in (target / folder).rglob(f"*{suffix}") if not path.name.startswith(".")
    )
    note = "" if count == published else f"   NOT the published {published}"
    return f"{target / folder}: {count} *{suffix}{note}"


def _nothing(folder: Path) -> None:
    pass


def _ade20k(name: str) -> str | None:
    return name


def _coco_stuff(name: str) -> str | None:
    """train2017/x.jpg is an image; in the other archive train2017/x.png is a label."""
    parts = Path(name).parts
    split = next((part for part in parts if part in ("train2017", "val2017")), None)
    kind = {".jpg": "images", ".png": "annotations"}.get(Path(name).suffix)
    return f"{kind}/{split}/{parts[-1]}" if split and kind else None


def _cityscapes(name: str) -> str | None:
    wanted = ("_leftImg8bit.png", "_gtFine_labelIds.png", "_gtFine_polygons.json")
    return name if name.endswith(wanted) else None


def _voc(name: str) -> str | None:
    """VOCdevkit/VOC2012/x -> VOC2012/x; of SBD only labels and lists."""
    if name.startswith("VOCdevkit/"):
        return name.removeprefix("VOCdevkit/")
    if name.startswith("benchmark_RELEASE/dataset/"):
        rest = name.removeprefix("benchmark_RELEASE/dataset/")
        return f"VOCaug/dataset/{rest}" if rest.startswith("cls/") or "/" not in rest else None
    return None


def _convert_coco_stuff(folder: Path) -> None:
    files = _originals(folder / "annotations", ".png", "_labelTrainIds.png")
    renumber(files, ".png", "_labelTrainIds.png", coco_stuff_table())


def _convert_cityscapes(folder: Path) -> None:
    suffix = "_gtFine_labelIds.png"
    files = sorted((folder / "gtFine").rglob(f"*{suffix}"))
    renumber(files, suffix, "_gtFine_labelTrainIds.png", cityscapes_table())


def _originals(folder: Path, suffix: str, made: str) -> list[Path]:
    return [path for path in sorted(folder.rglob(f"*{suffix}")) if not path.name.endswith(made)]


def _convert_voc(folder: Path) -> None:
    """Adds the labels of SBD and the lists aug.txt and trainaug.txt, if SBD is there."""
    extra, lists = folder / "VOCaug/dataset", folder / "VOC2012/ImageSets/Segmentation"
    if not extra.is_dir():
        return
    convert_sbd(sorted((extra / "cls").glob("*.mat")), folder / "VOC2012/SegmentationClassAug")
    more = {name for part in ("train", "val") for name in _names(extra / f"{part}.txt")}
    train, val = set(_names(lists / "train.txt")), set(_names(lists / "val.txt"))
    # Pictures of the validation set must not be trained on.
    for file, names in (("trainaug.txt", (train | more) - val), ("aug.txt", more - train - val)):
        (lists / file).write_text("\n".join(sorted(names)) + "\n")


def _names(file: Path) -> list[str]:
    return file.read_text().split()


RECIPES = {
    "ade20k": Recipe(
        folder="ade",
        site="http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip",
        archives=(Archive("ADEChallengeData2016.zip", "219e1696abb36c8ba3a3afe7fb2f4b4606a897c7"),),
        rename=_ade20k,
        convert=_nothing,
        expected={
            "ADEChallengeData2016/images/training": (".jpg", 20210),
            "ADEChallengeData2016/images/validation": (".jpg", 2000),
            "ADEChallengeData2016/annotations/training": (".png", 20210),
            "ADEChallengeData2016/annotations/validation": (".png", 2000),
        },
    ),
    "coco_stuff164k": Recipe(
        folder="coco_stuff164k",
        site="https://github.com/nightrome/cocostuff#downloads and https://cocodataset.org",
        archives=(
            Archive("train2017.zip", "10ad623668ab00c62c096f0ed636d6aff41faca5"),
            Archive("val2017.zip", "4950dc9d00dbe1c933ee0170f5797584351d2a41"),
            Archive("stuffthingmaps_trainval2017.zip", "e7aa0f7515c07e23873a9f71d9095b06bcea3e12"),
        ),
        rename=_coco_stuff,
        convert=_convert_coco_stuff,
        expected={
            "images/train2017": (".jpg", 118287),
            "images/val2017": (".jpg", 5000),
            "annotations/train2017": ("_labelTrainIds.png", 118287),
            "annotations/val2017": ("_labelTrainIds.png", 5000),
        },
    ),
    "cityscapes": Recipe(
        folder="cityscapes",
        site="https://www.cityscapes-dataset.com (with an account)",
        archives=(Archive("leftImg8bit_trainvaltest.zip"), Archive("gtFine_trainvaltest.zip")),
        rename=_cityscapes,
        convert=_convert_cityscapes,
        expected={
            "leftImg8bit/train": ("_leftImg8bit.png", 2975),
            "leftImg8bit/val": ("_leftImg8bit.png", 500),
            "gtFine/train": ("_labelTrainIds.png", 2975),
            "gtFine/val": ("_labelTrainIds.png", 500),
        },
    ),
    "voc2012": Recipe(
        folder="VOCdevkit",
        site="http://host.robots.ox.ac.uk/pascal/VOC/voc2012 and, for SBD,"
        " http://home.bharathh.info/pubs/codes/SBD/download.html",
        archives=(
            Archive("VOCtrainval_11-May-2012.tar", "4e443f8a2eca6b1dac8a6c57641b67dd40621a49"),
            Archive("benchmark.tgz", "7129e0a480c2d6afb02b517bb18ac54283bfaa35", required=False),
        ),
        rename=_voc,
        convert=_convert_voc,
        expected={
            "VOC2012/JPEGImages": (".jpg", 17125),
            "VOC2012/SegmentationClass": (".png", 2913),
        },
    ),
}
