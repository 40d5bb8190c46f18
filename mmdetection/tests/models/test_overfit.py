"""Every detector learns eight images of the demo by heart: nothing on the way is wired wrongly.

A row names a config; `steps`, `rate`, `channels` and `edit` change how its shrunk model is trained.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmcv.runner.testing import run_inference
from mmdet.datasets import build_dataloader, build_dataset
from mmdet.models import build_detector

NUM_IMAGES, BATCH = 8, 4
DEMO = Path(__file__).parents[3] / "demo"
NORM = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)


def two_convs(cfg):
    """Makes the towers of a one-stage head as shallow as the backbone."""
    cfg.bbox_head.stacked_convs = 2


# What the one-stage heads need: half as wide, two convolutions, a higher rate.
ONE_STAGE = dict(channels=32, steps=160, rate=2e-3, edit=two_convs)
ROWS = [
    pytest.param(dict(config="faster_rcnn/faster_rcnn_r50_fpn_1x_coco"), id="faster_rcnn"),
    pytest.param(dict(config="mask_rcnn/mask_rcnn_r50_fpn_1x_coco", masks=True), id="mask_rcnn"),
    pytest.param(dict(config="cascade_rcnn/cascade_rcnn_r50_fpn_1x_coco"), id="cascade_rcnn"),
    pytest.param(
        dict(config="cascade_rcnn/cascade_mask_rcnn_r50_fpn_1x_coco", masks=True),
        id="cascade_mask_rcnn",
    ),
    pytest.param(dict(config="htc/htc_without_semantic_r50_fpn_1x_coco", masks=True), id="htc"),
    pytest.param(dict(config="double_heads/dh_faster_rcnn_r50_fpn_1x_coco"), id="double_head"),
    pytest.param(dict(ONE_STAGE, config="retinanet/retinanet_r50_fpn_1x_coco"), id="retinanet"),
    pytest.param(dict(ONE_STAGE, config="fcos/fcos_r50_fpn_gn-head_1x_coco", steps=320), id="fcos"),
    pytest.param(dict(ONE_STAGE, config="atss/atss_r50_fpn_1x_coco"), id="atss"),
    pytest.param(dict(ONE_STAGE, config="gfl/gfl_r50_fpn_1x_coco"), id="gfl"),
    pytest.param(
        dict(config="dino/dino_4scale_r50_8x2_12e_coco", channels=32, steps=300), id="dino"
    ),
]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Draws eight images of the demo's data set; returns the folder with ``all.json``."""
    root = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DEMO))
        import det_dataset

    names = det_dataset.CATEGORIES
    content = dict(images=[], annotations=[], categories=[])
    content["categories"] = [dict(id=number, name=name) for name, number in names.items()]
    rng = np.random.default_rng(3)
    while len(content["images"]) < NUM_IMAGES:
        image, instances = det_dataset.draw(rng)
        if not instances:
            continue
        index = len(content["images"]) + 1
        height, width = image.shape[:2]
        content["images"].append(
            dict(id=index, file_name=f"{index}.png", height=height, width=width)
        )
        cv2.imwrite(str(root / f"{index}.png"), image)
        for name, mask, is_crowd in instances:
            found = det_dataset.annotation(mask, names[name], is_crowd)
            found.update(id=len(content["annotations"]) + 1, image_id=index)
            content["annotations"].append(found)
    (root / "all.json").write_text(json.dumps(content))
    return root, tuple(names)


def load_dataset(images, masks, test_mode):
    root, classes = images
    keys = ["img", "gt_bboxes", "gt_labels"] + (["gt_masks"] if masks else [])
    resize = [
        dict(type="Resize", keep_ratio=True, **({} if test_mode else dict(img_scale=(192, 192)))),
        dict(type="RandomFlip", flip_ratio=0.0),
        dict(type="Normalize", **NORM),
        dict(type="Pad", size_divisor=32),
    ]
    if test_mode:
        resize += [dict(type="ImageToTensor", keys=["img"]), dict(type="Collect", keys=["img"])]
        steps = [
            dict(type="MultiScaleFlipAug", img_scale=(192, 192), flip=False, transforms=resize)
        ]
    else:
        load = dict(type="LoadAnnotations", with_bbox=True, with_mask=masks)
        steps = [load, *resize, dict(type="DefaultFormatBundle"), dict(type="Collect", keys=keys)]
    return build_dataset(
        dict(
            type="CocoDataset",
            ann_file=str(root / "all.json"),
            img_prefix=str(root),
            classes=classes,
            pipeline=[dict(type="LoadImageFromFile"), *steps],
            test_mode=test_mode,
        )
    )


def train(model, dataset, steps, rate):
    loader = build_dataloader(
        dataset, samples_per_gpu=BATCH, workers_per_gpu=0, dist=False, seed=0, shuffle=True
    )
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    model.train()
    done = 0
    while done < steps:
        for batch in loader:
            loss = model.train_step(batch)["loss"]
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            schedule.step()
            done += 1
            if done == steps:
                break


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
def test_detector_learns_eight_images_by_heart(row, small_cfg, images):
    masks = row.get("masks", False)
    torch.manual_seed(0)
    cfg = small_cfg(row["config"], channels=row.get("channels", 32))
    set_classes(cfg, len(images[1]))
    cfg.backbone.update(frozen_stages=-1, norm_eval=False, norm_cfg=dict(type="BN"))
    row.get("edit", lambda cfg: None)(cfg)
    model = build_detector(cfg)
    model.init_weights()
    dataset = load_dataset(images, masks, test_mode=False)
    train(model, dataset, row.get("steps", 200), row.get("rate", 2e-3))

    tested = load_dataset(images, masks, test_mode=True)
    loader = build_dataloader(
        tested, samples_per_gpu=1, workers_per_gpu=0, dist=False, shuffle=False
    )
    results = run_inference(model, loader, pre_eval=True, progress=False)
    metric = ["bbox", "segm"] if masks else ["bbox"]
    scores = tested.evaluate(results, metric=metric)
    assert scores["bbox_mAP_50"] >= 0.8, scores
    if masks:
        assert scores["segm_mAP_50"] >= 0.8, scores


def set_classes(section, count):
    """Sets every ``num_classes`` of a model section, in place."""
    for part in section if isinstance(section, (list, tuple)) else section.values():
        if isinstance(part, (dict, list, tuple)):
            set_classes(part, count)
    if isinstance(section, dict) and "num_classes" in section:
        section["num_classes"] = count
