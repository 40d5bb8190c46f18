"""The ``_base_`` models that users start from build and run by themselves."""

from pathlib import Path

import pytest
import torch

from mmcv.config import Config
from mmseg.models import build_segmentor

MODELS = Path(__file__).parents[2] / "configs" / "_base_" / "models"
# Parts of this one are deleted by the configs that use it; its own classes are not in this tier.
NEEDS_MORE = {"segmenter_vit-b16_mask"}
RUNNABLE = sorted(file for file in MODELS.glob("*_r50*.py") if file.stem not in NEEDS_MORE)


@pytest.mark.parametrize("file", RUNNABLE, ids=lambda file: file.stem)
def test_base_model_runs(file):
    cfg = Config.fromfile(file).model
    with torch.device("meta"):
        model = build_segmentor(cfg).eval()
        logits = model.encode_decode(torch.empty(1, 3, 64, 96), None)
    assert logits.shape == (1, 19, 64, 96)


def test_every_base_model_is_covered():
    others = {file.stem for file in MODELS.glob("*.py")} - {file.stem for file in RUNNABLE}
    in_other_tests = {"linear_intern_vit_6b", "upernet_intern_vit_6b", "upernet_intern_vit_300m"}
    assert others == NEEDS_MORE | in_other_tests
