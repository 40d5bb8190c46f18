import torch

from mmdet.boxes import MlvlPointGenerator, PointGenerator, build_prior_generator


def test_points_lie_in_the_middle_of_cells_row_by_row():
    generator = build_prior_generator({"type": "MlvlPointGenerator", "strides": [4, (8, 16)]})
    points = generator.grid_priors([(2, 3), (1, 2)], device="cpu", with_stride=True)
    assert points[0].tolist() == [
        [x * 4 + 2, y * 4 + 2, 4, 4] for y in range(2) for x in range(3)
    ]  # fmt: skip
    assert points[1].tolist() == [[4, 8, 8, 16], [12, 8, 8, 16]]
    assert generator.num_levels == 2 and generator.num_base_priors == [1, 1]


def test_points_can_lie_in_the_corner_and_be_taken_by_index():
    generator = MlvlPointGenerator(strides=[8], offset=0)
    (points,) = generator.grid_priors([(3, 4)], device="cpu")
    assert points[0].tolist() == [0, 0]
    wanted = torch.tensor([11, 0, 5])
    assert torch.equal(generator.sparse_priors(wanted, (3, 4), 0, device="cpu"), points[wanted])


def test_valid_points_are_those_the_image_reaches():
    (flags,) = MlvlPointGenerator(strides=[8]).valid_flags([(3, 4)], (9, 16, 3), device="cpu")
    assert flags.view(3, 4).tolist() == [[True, True, False, False]] * 2 + [[False] * 4]


def test_single_map_generator():
    points = PointGenerator().grid_points((2, 2), 8, "cpu")
    assert points.tolist() == [[0, 0, 8], [8, 0, 8], [0, 8, 8], [8, 8, 8]]
    assert PointGenerator().valid_flags((2, 2), (1, 2), "cpu").tolist() == [
        True,
        True,
        False,
        False,
    ]
