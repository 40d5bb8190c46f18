from pathlib import Path

from mmcv.commands import benchmark, get_flops
from mmseg.task import TASK

CONFIGS = Path(__file__).parents[2] / "configs"


def test_benchmark_times_images(toy, capsys):
    arguments = ["tiny.py", "weights.pth", "--repeat-times", "2", "--device", "cpu"]
    benchmark.main(TASK, arguments)
    out = capsys.readouterr().out
    assert out.count(" img/s, median") == 2 and "average of 2 runs" in out and "on cpu" in out


def test_flops_are_those_of_the_formula(toy, capsys):
    """A multiply-add is two; 2 x 2 patches and the class token; two blocks of width 24."""
    get_flops.main(TASK, ["tiny.py", "--shape", "28"])
    tokens, width = 5, 24
    block = 24 * tokens * width**2 + 4 * tokens**2 * width
    flops = 2 * block + 2 * 4 * width * 3 * 14**2 + 2 * 4 * width * 150
    out = capsys.readouterr().out
    assert f"forward         {flops / 1e9:,.2f} GFLOPs" in out and "3 x 28 x 28" in out


def test_flops_of_a_recipe(capsys):
    """Backbone 16.34 TFLOPs, pyramid 0.64 and UperNet 5.04, without the auxiliary head."""
    config = next(CONFIGS.glob("intern_vit_6b/full_tuning/*_80k_ade20k_*.py"))
    get_flops.main(TASK, [str(config)])
    assert "22,014.97 GFLOPs" in capsys.readouterr().out
