"""What 1.x plug-ins import from the segmentation models' side, from exactly these paths."""

import importlib

import pytest

PATHS = {
    "mmseg.core": [
        "DistEvalHook",
        "EvalHook",
        "OHEMPixelSampler",
        "add_prefix",
        "build_pixel_sampler",
        "eval_metrics",
        "get_classes",
        "get_palette",
        "intersect_and_union",
        "mean_iou",
        "pre_eval_to_metrics",
    ],
    "mmseg.core.builder": [
        "OPTIMIZER_BUILDERS",
        "build_optimizer",
        "build_optimizer_constructor",
    ],
    "mmseg.core.evaluation": ["DistEvalHook", "get_classes", "get_palette", "mean_dice"],
    "mmseg.core.seg": ["BasePixelSampler", "OHEMPixelSampler", "build_pixel_sampler"],
    "mmseg.core.seg.builder": ["PIXEL_SAMPLERS"],
    "mmseg.core.optimizers.layer_decay_optimizer_constructor": [
        "LayerDecayOptimizerConstructor",
        "LearningRateDecayOptimizerConstructor",
    ],
    "mmseg.models": ["BACKBONES", "HEADS", "LOSSES", "SEGMENTORS", "build_segmentor", "builder"],
    "mmseg.models.backbones": ["InternViT6B", "ResNet", "ResNetV1c"],
    "mmseg.models.builder": [
        "ATTENTION",
        "BACKBONES",
        "HEADS",
        "LOSSES",
        "MODELS",
        "NECKS",
        "SEGMENTORS",
        "build_backbone",
        "build_head",
        "build_loss",
        "build_neck",
        "build_segmentor",
    ],
    "mmseg.models.decode_heads.decode_head": ["BaseDecodeHead"],
    "mmseg.models.decode_heads.fcn_head": ["FCNHead"],
    "mmseg.models.decode_heads.psp_head": ["PPM", "PSPHead"],
    "mmseg.models.losses": ["Accuracy", "CrossEntropyLoss", "accuracy", "cross_entropy"],
    "mmseg.models.losses.utils": ["get_class_weight", "weight_reduce_loss", "weighted_loss"],
    "mmseg.models.segmentors.base": ["BaseSegmentor"],
    "mmseg.models.segmentors.encoder_decoder": ["EncoderDecoder"],
    "mmseg.ops": ["Encoding", "Upsample", "resize"],
    "mmseg.utils": [
        "build_ddp",
        "build_dp",
        "collect_env",
        "find_latest_checkpoint",
        "get_device",
        "get_root_logger",
        "setup_multi_processes",
    ],
}


@pytest.mark.parametrize("path", PATHS)
def test_names_can_be_imported(path):
    module = importlib.import_module(path)
    for name in PATHS[path]:
        assert hasattr(module, name), f"{path}.{name}"


def test_pixel_samplers_are_built_for_a_head():
    from mmseg.core.seg import build_pixel_sampler
    from mmseg.models.decode_heads import FCNHead

    head = FCNHead(in_channels=4, channels=4, num_classes=3)
    sampler = build_pixel_sampler(dict(type="OHEMPixelSampler", min_kept=5), context=head)
    assert sampler.context is head
    assert sampler.min_kept == 5
