import math

import pytest
import torch

from mmdet.boxes import (
    AnchorGenerator,
    anchor_inside_flags,
    build_anchor_generator,
    build_prior_generator,
    calc_region,
    images_to_levels,
)

SSD = {
    "type": "SSDAnchorGenerator",
    "scale_major": False,
    "input_size": 300,
    "basesize_ratio_range": (0.15, 0.9),
    "strides": [8, 16, 32, 64, 100, 300],
    "ratios": [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
}
RETINA = {
    "type": "AnchorGenerator",
    "octave_base_scale": 4,
    "scales_per_octave": 3,
    "ratios": [0.5, 1.0, 2.0],
    "strides": [8, (16, 32)],
}
YOLO = {
    "type": "YOLOAnchorGenerator",
    "strides": [32, 16],
    "base_sizes": [[(116, 90), (156, 198)], [(30, 61), (62, 45)]],
}


def test_anchors_equal_a_loop_over_cells_ratios_and_scales():
    generator = AnchorGenerator(strides=[8, (16, 32)], ratios=[0.5, 2.0], scales=[4, 8])
    sizes = [(3, 5), (2, 4)]
    for level, anchors in enumerate(generator.grid_priors(sizes, device="cpu")):
        stride_x, stride_y = [(8, 8), (16, 32)][level]
        expected = []
        for row in range(sizes[level][0]):
            for column in range(sizes[level][1]):
                for ratio in (0.5, 2.0):
                    for scale in (4, 8):
                        side = min(stride_x, stride_y) * scale
                        w, h = side / math.sqrt(ratio) / 2, side * math.sqrt(ratio) / 2
                        x, y = column * stride_x, row * stride_y
                        expected.append([x - w, y - h, x + w, y + h])
        assert torch.allclose(anchors, torch.tensor(expected), atol=1e-3)


def test_octaves_are_powers_of_two_and_ratios_can_be_major():
    generator = build_prior_generator({**RETINA, "scale_major": False})
    areas = generator.base_anchors[0]
    areas = (areas[:, 2:] - areas[:, :2]).prod(1).sqrt()
    expected = torch.tensor([32 * 2 ** (i / 3) for i in range(3)]).repeat_interleave(3)
    assert torch.allclose(areas, expected, atol=1e-3)


def test_centre_offset_and_centres():
    offset = AnchorGenerator([10], [1.0], [1.0], [9], center_offset=0.5)
    assert offset.base_anchors[0].tolist() == [[0, 0, 9, 9]]
    centers = AnchorGenerator([10], [1.0], [1.0], [9], centers=[(1, 2)])
    assert centers.base_anchors[0].tolist() == [[-3.5, -2.5, 5.5, 6.5]]


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"scales": [1.0], "center_offset": 2}, ValueError),
        ({"scales": [1.0], "center_offset": 0.5, "centers": [(0, 0)]}, AssertionError),
        ({"scales": [1.0], "octave_base_scale": 4, "scales_per_octave": 3}, AssertionError),
        ({}, AssertionError),
        ({"scales": [1.0], "base_sizes": [1, 2]}, AssertionError),
        ({"scales": [1.0], "centers": [(0, 0), (1, 1)]}, AssertionError),
    ],
)
def test_arguments_that_do_not_fit_are_refused(kwargs, error):
    with pytest.raises(error):
        AnchorGenerator(strides=[8], ratios=[1.0], **kwargs)


@pytest.mark.parametrize("config", [RETINA, SSD, YOLO])
def test_sparse_priors_are_rows_of_the_grid(config):
    generator = build_anchor_generator(config)
    sizes = [(4, 3)] * generator.num_levels
    for level, anchors in enumerate(generator.grid_priors(sizes, device="cpu")):
        wanted = torch.randperm(len(anchors))[:9]
        sparse = generator.sparse_priors(wanted, sizes[level], level, device="cpu")
        assert torch.equal(sparse, anchors[wanted])
        assert len(anchors) == 12 * generator.num_base_priors[level]


def test_valid_flags_mark_the_cells_that_the_image_reaches():
    generator = AnchorGenerator(strides=[8], ratios=[1.0, 2.0], scales=[1])
    (flags,) = generator.valid_flags([(4, 5)], (17, 24, 3), device="cpu")
    expected = torch.zeros(4, 5, 2, dtype=torch.bool)
    expected[:3, :3] = True
    assert torch.equal(flags, expected.view(-1))
    assert len(generator.valid_flags([(0, 5)], (17, 24), "cpu")[0]) == 0


def test_ssd_sizes_are_those_of_the_paper():
    generator = build_prior_generator(SSD)
    assert generator.base_sizes == [21, 45, 99, 153, 207, 261]
    assert generator.num_base_anchors == [4, 6, 6, 6, 4, 4]
    first = generator.base_anchors[0]
    sides = first[:, 2:] - first[:, :2]
    assert torch.allclose(sides[0], torch.tensor([21.0, 21]))
    assert torch.allclose(sides[1], torch.tensor([math.sqrt(21 * 45)] * 2), atol=1e-3)
    assert torch.allclose(sides[2, 0] / sides[2, 1], torch.tensor(2.0))
    assert torch.allclose((first[:, :2] + first[:, 2:]) / 2, torch.full((4, 2), 4.0))


@pytest.mark.parametrize("change", [{"input_size": 400}, {"basesize_ratio_range": (0.3, 0.9)}])
def test_ssd_names_what_it_cannot_do(change):
    with pytest.raises(ValueError, match="300"):
        build_prior_generator({**SSD, **change})


def test_yolo_anchors_sit_in_the_middle_of_cells_and_answer_for_centres():
    generator = build_prior_generator(YOLO)
    assert generator.base_anchors[0][0].tolist() == [-42, -29, 74, 61]
    (flags, _) = generator.responsible_flags(
        [(4, 4), (8, 8)], torch.tensor([[30.0, 70, 50, 80]]), device="cpu"
    )
    assert flags.nonzero().view(-1).tolist() == [(2 * 4 + 1) * 2, (2 * 4 + 1) * 2 + 1]
    empty = generator.responsible_flags([(4, 4), (8, 8)], torch.zeros(0, 4), "cpu")
    assert not any(level.any() for level in empty)


def test_legacy_anchors_are_whole_and_one_pixel_smaller():
    generator = build_prior_generator(
        {"type": "LegacyAnchorGenerator", "strides": [16], "ratios": [1.0], "scales": [2.0],
         "center_offset": 0.5}
    )  # fmt: skip
    (box,) = generator.base_anchors[0].tolist()
    assert box == [round(v) for v in box]
    assert box[2] - box[0] == 31


def test_generators_hold_real_numbers_when_built_on_the_meta_device():
    with torch.device("meta"):
        generators = [build_prior_generator(config) for config in (RETINA, SSD, YOLO)]
    for generator in generators:
        assert all(anchors.device.type == "cpu" for anchors in generator.base_anchors)


def test_flags_of_anchors_inside():
    anchors = torch.tensor([[0.0, 0, 9, 9], [-1, 0, 9, 9], [0, 0, 10, 9]])
    valid = torch.ones(3, dtype=torch.bool)
    assert anchor_inside_flags(anchors, valid, (10, 10, 3)).tolist() == [True, False, False]
    assert anchor_inside_flags(anchors, valid, (10, 10), 2).all()
    assert anchor_inside_flags(anchors, valid, (10, 10), -1) is valid


def test_regions_and_levels():
    box = torch.tensor([0.0, 0, 10, 20])
    assert [int(v) for v in calc_region(box, 0.2)] == [2, 4, 8, 16]
    assert [int(v) for v in calc_region(box, 0.0, (15, 5))] == [0, 0, 5, 15]
    levels = images_to_levels([torch.arange(5), torch.arange(5) + 10], [3, 2])
    assert levels[0].tolist() == [[0, 1, 2], [10, 11, 12]]
    assert levels[1].tolist() == [[3, 4], [13, 14]]
