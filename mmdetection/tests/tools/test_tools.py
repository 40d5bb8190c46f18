"""The tools of detection on a tiny data set, with a detector that finds what it is told."""

import json
import pickle

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from mmdet.apis import inference_detector, init_detector, show_result_pyplot, single_gpu_test
from mmdet.apis.analysis import analyze_results_main, coco_errors_main
from mmdet.apis.browse import browse_main
from mmdet.apis.testing_tool import parse_arguments
from mmdet.apis.testing_tool import test_main as run_main
from mmdet.datasets import CocoDataset, build_dataloader, build_dataset
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS

CONFIG = """
import mmdet.task
model = dict(type='KnownDetector', backbone=dict(type='ResNet', depth=18))
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='MultiScaleFlipAug', img_scale=(128, 112), flip=False, transforms=[
        dict(type='Resize', keep_ratio=True), dict(type='RandomFlip'),
        dict(type='Normalize', mean=[0.0] * 3, std=[1.0] * 3), dict(type='Pad', size_divisor=32),
        dict(type='ImageToTensor', keys=['img']), dict(type='Collect', keys=['img'])])]
train_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_mask=True),
    dict(type='Normalize', mean=[0.0] * 3, std=[1.0] * 3),
    dict(type='DefaultFormatBundle'), dict(type='Collect', keys=['img', 'gt_bboxes'])]
part = dict(type='CocoDataset', ann_file='ANN', img_prefix='IMG', classes=('cat', 'dog'))
data = dict(
    samples_per_gpu=1, workers_per_gpu=0, train=dict(pipeline=train_pipeline, **part),
    val=dict(pipeline=test_pipeline, **part), test=dict(pipeline=test_pipeline, **part))
evaluation = dict(interval=1, metric=['bbox', 'segm'], classwise=True)
"""


@MODELS.register_module(force=True)
class KnownDetector(BaseDetector):
    """Finds a cat at 4, 6, 12, 26 of every original image, in the coordinates asked for."""

    def __init__(self, backbone=None, train_cfg=None, test_cfg=None):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def simple_test(self, img, img_metas, rescale=False):
        results = []
        for meta in img_metas:
            scale = np.ones(4) if rescale else meta["scale_factor"]
            box = np.array([[*(np.array([4, 6, 12, 26]) * scale), 0.9]], np.float32)
            mask = np.zeros(meta["ori_shape"][:2], bool)
            mask[6:26, 4:12] = True
            results.append(([box, np.zeros((0, 5), np.float32)], [[mask], []]))
        return results

    def aug_test(self, imgs, img_metas, **kwargs):
        raise NotImplementedError


@pytest.fixture
def config(coco_file, tmp_path, monkeypatch):
    text = CONFIG.replace("ANN", str(coco_file)).replace("IMG", str(coco_file.parent / "train"))
    path = tmp_path / "known.py"
    path.write_text(text)
    torch.save({"state_dict": {"weight": torch.ones(1)}}, tmp_path / "known.pth")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return path


def run(config, *arguments):
    run_main([str(config), str(config.with_suffix(".pth")), *arguments])


def test_boxes_are_compared_in_the_original_image(config):
    run(config, "--eval", "bbox", "segm", "--work-dir", "w")
    (file,) = config.parent.glob("elsewhere/w/eval_*.json")
    metric = json.loads(file.read_text())["metric"]
    # Four of six cats, all found at a precision of 1; no dog: 67 of 101 points of one class.
    assert metric["bbox_mAP_50"] == pytest.approx(67 / 101 / 2, abs=6e-4)
    assert metric["segm_mAP"] == metric["bbox_mAP"]


def test_evaluation_in_training_gives_the_same(config):
    model = init_detector(str(config), str(config.with_suffix(".pth")), device="cpu")
    dataset = build_dataset({**model.cfg.data.val, "test_mode": True})
    loader = build_dataloader(dataset, 1, 0, dist=False, shuffle=False)
    results = single_gpu_test(model, loader)
    assert isinstance(results[0][1][0][0], dict)  # RLE
    values = dataset.evaluate(results, ["bbox", "segm"], "silent")
    assert values["segm_mAP_50"] == pytest.approx(67 / 101 / 2, abs=6e-4)


def test_results_json_and_pictures(config):
    arguments = ["--out", "r.pkl", "--format-only", "--eval-options", "jsonfile_prefix=j"]
    run(config, *arguments, "--show-dir", "pictures")
    folder = config.parent / "elsewhere"
    assert len(pickle.loads((folder / "r.pkl").read_bytes())) == 4
    assert len(json.loads((folder / "j.segm.json").read_text())) == 4
    original = cv2.imread(str(config.parent / "train" / "0.jpg"))
    drawn = cv2.imread(str(folder / "pictures" / "0.jpg"))
    assert drawn.shape == original.shape and not np.array_equal(drawn, original)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--eval", "bboxes"], "--eval: 'bboxes' is not a metric; did you mean 'bbox'"),
        (["--eval", "bbox", "--eval-options", "classwize=1"], "did you mean 'classwise'"),
        (["--eval", "bbox", "--cfg-options", "data.test.ann_file=none.json"], "there is no file"),
    ],
)
def test_user_errors_are_one_line(config, capsys, arguments, message):
    with pytest.raises(SystemExit):
        run(config, *arguments)
    assert message in capsys.readouterr().err


def test_flags_are_those_of_1x():
    args = parse_arguments(["c.py", "w.pth", "--eval", "bbox", "--gpu-ids", "3"])
    assert set(vars(args)) == {
        *("config", "checkpoint", "work_dir", "out", "fuse_conv_bn", "gpu_ids", "gpu_id", "eval"),
        *("format_only", "show", "show_dir", "show_score_thr", "gpu_collect", "tmpdir", "options"),
        *("cfg_options", "eval_options", "launcher", "local_rank", "verbose"),
    }
    assert args.gpu_id == 3 and args.show_score_thr == 0.3


def test_inference_on_files_and_arrays(config, tmp_path):
    model = init_detector(str(config), device="cpu", cfg_options={"x": 1})
    assert model.CLASSES == CocoDataset.CLASSES and model.cfg.x == 1
    path = str(tmp_path / "train" / "1.jpg")
    boxes, masks = inference_detector(model, path)
    assert boxes[0][0, :4].tolist() == [4, 6, 12, 26] and masks[0][0].shape == (52, 64)
    several = inference_detector(model, [path, cv2.imread(path)])
    np.testing.assert_array_equal(several[0][0][0], several[1][0][0])
    show_result_pyplot(model, path, (boxes, masks), out_file=str(tmp_path / "drawn.jpg"))
    assert (tmp_path / "drawn.jpg").exists()


def test_samples_are_drawn(config, tmp_path):
    browse_main([str(config), "--output-dir", str(tmp_path / "seen"), "--not-show"])
    assert sorted(path.name for path in (tmp_path / "seen").iterdir()) == [
        f"{i}.jpg" for i in range(4)
    ]


def test_results_are_analysed(config, tmp_path):
    run(config, "--out", "r.pkl")
    analyze_results_main([str(config), "r.pkl", str(tmp_path / "a"), "--topk", "1"])
    (good,) = (tmp_path / "a" / "good").iterdir()
    (bad,) = (tmp_path / "a" / "bad").iterdir()
    assert good.name == "0_1.000.jpg" and bad.name == "2_0.250.jpg"
    rows = (tmp_path / "a" / "confusion_matrix.txt").read_text().splitlines()[3:6]
    counts = [[int(cell) for cell in row.strip("|").split("|")[1:]] for row in rows]
    # 4 of 7 cats found (one image has two), no dog of 3; the crowd is no object.
    assert counts == [[4, 0, 2], [0, 0, 3], [0, 0, 0]]


def test_kinds_of_errors_add_up(config, tmp_path, coco_file, capsys):
    run(config, "--format-only", "--eval-options", "jsonfile_prefix=j")
    coco_errors_main(["j.bbox.json", str(tmp_path / "e"), "--ann", str(coco_file)])
    row = (tmp_path / "e" / "bbox" / "errors.txt").read_text().splitlines()[-2]
    values = [float(cell) for cell in row.strip("|").split("|")[1:]]
    assert values == sorted(values) and values[-1] == 1
