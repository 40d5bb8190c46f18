"""Which images and labels a data set consists of, and whether they are all there."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmcv.registry import ConfigError

ImageInfo = dict[str, Any]


def list_samples(
    file_client: Any,
    img_dir: str,
    img_suffix: str,
    ann_dir: str | None,
    seg_map_suffix: str,
    split: str | None,
) -> list[ImageInfo]:
    """Lists the samples of a folder, or those named in a split file.

    Args:
        file_client: storage that holds the folders.
        img_dir: folder of the images, searched recursively.
        img_suffix: ending of image names.
        ann_dir: folder of the label maps, or None if there are none.
        seg_map_suffix: ending of label names, in place of ``img_suffix``.
        split: text file with one name per line, without suffix.

    Returns:
        ``{filename, ann: {seg_map}}`` per image, paths relative to the folders; sorted by name, or
        in the order of the split file.

    Raises:
        ConfigError: the folder or the split file does not exist.
    """
    if split is None:
        require_folder(file_client, "img_dir", img_dir)
        names = file_client.list_dir_or_file(
            img_dir, list_dir=False, suffix=img_suffix, recursive=True
        )
        stems = [name.removesuffix(img_suffix) for name in sorted(names)]
    else:
        stems = _read_split(file_client, split)
    return [_image_info(stem, img_suffix, ann_dir, seg_map_suffix) for stem in stems]


def _image_info(stem: str, img_suffix: str, ann_dir: str | None, seg_map_suffix: str) -> ImageInfo:
    info: ImageInfo = {"filename": stem + img_suffix}
    if ann_dir is not None:
        info["ann"] = {"seg_map": stem + seg_map_suffix}
    return info


def _read_split(file_client: Any, split: str) -> list[str]:
    if not file_client.isfile(split):
        raise ConfigError(f"split: there is no file {split!r}{_nearby(split)}")
    lines = file_client.get_text(split).splitlines()
    return [line.strip() for line in lines if line.strip()]


def require_folder(file_client: Any, key: str, folder: str) -> None:
    """Raises ConfigError, saying what is there instead, unless ``folder`` exists."""
    if not file_client.isdir(folder):
        raise ConfigError(f"{key}: there is no folder {folder!r}{_nearby(folder)}")


def require_images(
    file_client: Any, img_infos: Sequence[ImageInfo], img_dir: str, suffix: str
) -> None:
    """Raises ConfigError, naming the suffixes that are there, if a data set has no images."""
    if len(img_infos):
        return
    names = file_client.list_dir_or_file(img_dir, list_dir=False, recursive=True)
    suffixes = Counter(os.path.splitext(name)[1] for name in names)
    there = ", ".join(f"{count} x {suffix!r}" for suffix, count in suffixes.most_common(5))
    raise ConfigError(
        f"img_dir: {img_dir!r} has no image with img_suffix={suffix!r}"
        f" ({'it holds ' + there if there else 'it is empty'})"
    )


def require_labels(
    file_client: Any, img_infos: Iterable[ImageInfo], ann_dir: str | None, seg_map_suffix: str
) -> None:
    """Raises ConfigError, naming the first images without a label, if there are any."""
    if ann_dir is None:
        raise ConfigError("ann_dir is not set: training and evaluation need the labels of images")
    require_folder(file_client, "ann_dir", ann_dir)
    known = set(
        file_client.list_dir_or_file(ann_dir, list_dir=False, suffix=seg_map_suffix, recursive=True)
    )
    # One listing answers for all but label names that plug-ins make up elsewhere.
    missing = [
        info
        for info in img_infos
        if (name := _seg_map(info)) not in known
        and not file_client.isfile(file_client.join_path(ann_dir, name))
    ]
    if not missing:
        return
    first = ", ".join(f"{info['filename']} (wants {_seg_map(info)})" for info in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    raise ConfigError(
        f"ann_dir: {len(missing)} images have no label in {ann_dir!r}: {first}{more};"
        f" {len(known)} files there end in seg_map_suffix={seg_map_suffix!r}"
    )


def _seg_map(info: Mapping[str, Any]) -> str:
    ann = info.get("ann")
    if not isinstance(ann, Mapping) or "seg_map" not in ann:
        raise ConfigError(f"ann_dir: no label is known for image {info.get('filename')!r}")
    return ann["seg_map"]


def _nearby(path: str) -> str:
    """Says what the nearest existing folder above ``path`` holds."""
    above = os.path.dirname(os.path.abspath(path.rstrip("/")))
    while not os.path.isdir(above) and above != os.path.dirname(above):
        above = os.path.dirname(above)
    entries = sorted(os.listdir(above))
    shown = ", ".join(entries[:8]) + (f", ... ({len(entries)} entries)" if len(entries) > 8 else "")
    return f"; {above!r} holds: {shown or 'nothing'}"
