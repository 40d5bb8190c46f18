import functools
import json
from pathlib import Path

import pytest

from mmcv.config import Config
from mmcv.planner import build_on_meta, count_parameters
from mmcv.planner.report import number
from mmcv.planner.tool import image_size, main
from mmcv.runner.inference import without_pretrained
from mmseg.task import TASK

CONFIGS = Path(__file__).parents[2] / "configs"
BLOCKS_45 = "intern_vit_6b_448px_"
# Trainable / total of the published tables: without the auxiliary head. The 448 px models have
# three blocks, 0.37B parameters, less than the 224 px ones.
PUBLISHED = {
    ("intern_vit_6b", "linear_probing"): ("0.5M", "5.9B"),
    ("intern_vit_6b", "head_tuning"): ("0.4B", "6.3B"),
    ("intern_vit_6b", "full_tuning"): ("6.3B", "6.3B"),
    ("intern_vit_6b", "few_shot"): ("5.9B", "5.9B"),
    ("intern_vit_6b", "vit_adapter"): ("0.5B", "6.4B"),
    (BLOCKS_45, "linear_probing"): ("0.5M", "5.5B"),
    (BLOCKS_45, "head_tuning"): ("0.4B", "6.0B"),
    (BLOCKS_45, "full_tuning"): ("6.0B", "6.0B"),
}
SHIPPED = sorted(CONFIGS.glob("intern_vit_6b*/*/*.py"))


@functools.cache
def published(model: str) -> tuple[str, str]:
    """Trainable and total of a model, given as json: many configs share one."""
    model = build_on_meta(TASK.models, Config({"model": json.loads(model)}))
    return tuple(number(n) for n in count_parameters(model).published)


def test_there_are_36_configs():
    assert len(SHIPPED) == 36


@pytest.mark.parametrize("config", SHIPPED, ids=lambda path: path.stem)
def test_parameters_are_those_of_the_published_table(config):
    family = config.parents[1].name
    key = (BLOCKS_45 if family.startswith(BLOCKS_45) else family, config.parent.name)
    cfg = without_pretrained(Config.fromfile(config))
    trainable, total = PUBLISHED[key]
    if "cocostuff" in config.stem and trainable == "0.5M":
        trainable = "0.6M"  # 171 classes instead of 150
    assert published(json.dumps(cfg.model, sort_keys=True)) == (trainable, total)
    assert image_size(cfg) == ((512, 512) if "adapter" in config.stem else (504, 504))


def test_report_of_a_recipe(capsys):
    """Figures of full tuning, computed by hand: 22.13 TFLOPs forwards and twice that backwards."""
    config = next(CONFIGS.glob("intern_vit_6b/full_tuning/*_80k_ade20k_*.py"))
    main(TASK, [str(config), "--gpu", "a100", "--gpus", "8"])
    out = capsys.readouterr().out
    assert "trainable 6.3B / total 6.3B" in out
    assert "22.13 TFLOPs" in out and "66.39 TFLOPs" in out and "+ 16.33" in out
    assert "deepspeed_config = 'zero1_bf16'" in out and "with_cp=False" in out


def test_what_is_recommended_is_a_config_that_loads(capsys, tmp_path):
    config = next(CONFIGS.glob("intern_vit_6b/linear_probing/*_80k_ade20k_*.py"))
    main(TASK, [str(config), "--gpu", "rtx4090", "--gpus", "1", "--cfg-options", "deepspeed=True"])
    advice = capsys.readouterr().out.split("paste into the config:")[1]
    (tmp_path / "mine.py").write_text(f"_base_ = {str(config)!r}\ndeepspeed = True\n{advice}")
    cfg = Config.fromfile(tmp_path / "mine.py")
    assert (
        cfg.data.samples_per_gpu * cfg.get("optimizer_config", {}).get("cumulative_iters", 1) == 16
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gpu", "h20"], "unknown; did you mean 'h200'"),
        (["--gpus", "3"], "16 images per update cannot be shared by 3 GPUs"),
    ],
)
def test_errors(capsys, arguments, message):
    config = next(CONFIGS.glob("intern_vit_6b/linear_probing/*_80k_ade20k_*.py"))
    with pytest.raises(SystemExit):
        main(TASK, [str(config), *arguments])
    assert message in capsys.readouterr().err


def test_nothing_fits(capsys):
    config = next(CONFIGS.glob("intern_vit_6b/full_tuning/*_80k_ade20k_*.py"))
    main(TASK, [str(config), "--gpus", "1", "--gpu", "t4", "--gpu-mem", "4"])
    assert "nothing fits: the least is" in capsys.readouterr().out
