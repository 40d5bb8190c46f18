import numpy as np
import pytest
import torch

from mmdet.boxes import (
    center_of_mass,
    filter_scores_and_topk,
    flip_tensor,
    generate_coordinate,
    mask2ndarray,
    multi_apply,
    reduce_mean,
    select_single_mlvl,
    unmap,
)
from mmdet.masks import BitmapMasks, PolygonMasks


def test_multi_apply_returns_one_list_per_result():
    sums, products = multi_apply(lambda a, b, c: (a + b + c, a * b * c), [1, 2], [3, 4], c=10)
    assert (sums, products) == ([14, 16], [30, 80])


def test_unmap_puts_rows_back():
    inside = torch.tensor([1, 0, 1, 0], dtype=torch.uint8)
    assert unmap(torch.tensor([5, 6]), 4, inside, fill=9).tolist() == [5, 9, 6, 9]
    assert unmap(torch.ones(2, 2), 4, inside).sum(1).tolist() == [2, 0, 2, 0]
    assert unmap(torch.zeros(0, 2), 3, torch.zeros(3), 1).tolist() == [[1, 1]] * 3


def test_the_best_pairs_of_box_and_class_are_kept():
    scores = torch.tensor([[0.1, 0.3, 0.2], [0.12, 0.7, 0.9], [0.02, 0.8, 0.08], [0.4, 0.1, 0.08]])
    boxes = torch.arange(4.0)[:, None].expand(4, 4)
    kept, labels, keep, results = filter_scores_and_topk(scores, 0.15, 4, {"boxes": boxes})
    assert kept.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.4])
    assert labels.tolist() == [2, 1, 1, 0] and keep.tolist() == [1, 2, 1, 3]
    assert torch.equal(results["boxes"], boxes[keep])
    assert torch.equal(filter_scores_and_topk(scores, 0.15, 4, boxes)[3], boxes[keep])
    assert torch.equal(filter_scores_and_topk(scores, 0.15, 4, [boxes])[3][0], boxes[keep])
    assert filter_scores_and_topk(scores, 0.15, 4)[3] is None
    assert len(filter_scores_and_topk(scores, 2.0, 4)[0]) == 0
    with pytest.raises(NotImplementedError):
        filter_scores_and_topk(scores, 0.15, 4, np.zeros(4))


def test_one_image_is_taken_out_of_all_levels():
    levels = [torch.rand(2, 1, 4, 4, requires_grad=True), torch.rand(2, 1, 2, 2)]
    chosen = select_single_mlvl(levels, 1)
    assert torch.equal(chosen[0], levels[0][1]) and not chosen[0].requires_grad
    assert select_single_mlvl(levels, 1, detach=False)[0].requires_grad


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
def test_maps_are_flipped_as_arrays_are(direction):
    maps = torch.rand(2, 1, 3, 4)
    axes = {"horizontal": 3, "vertical": 2, "diagonal": (2, 3)}[direction]
    assert np.array_equal(flip_tensor(maps, direction).numpy(), np.flip(maps.numpy(), axes))
    with pytest.raises(AssertionError):
        flip_tensor(maps, "flip")
    with pytest.raises(AssertionError):
        flip_tensor(maps[0], direction)


def test_centre_of_mass_equals_a_loop_and_is_0_for_nothing():
    mask = torch.rand(5, 6)
    rows = sum(y * mask[y, x] for y in range(5) for x in range(6)) / mask.sum()
    columns = sum(x * mask[y, x] for y in range(5) for x in range(6)) / mask.sum()
    assert torch.allclose(torch.stack(center_of_mass(mask)), torch.stack([rows, columns]))
    assert [float(v) for v in center_of_mass(torch.zeros(3, 3))] == [0, 0]


def test_coordinates_run_from_minus_one_to_one():
    coordinates = generate_coordinate((2, 7, 3, 5), "cpu")
    assert coordinates.shape == (2, 2, 3, 5)
    assert coordinates[1, 0, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert coordinates[1, 1, :, 0].tolist() == [-1, 0, 1]


def test_masks_of_every_kind_become_arrays():
    bitmap = np.ones((2, 4, 4), dtype=np.uint8)
    polygons = [[np.array([0.0, 0, 4, 0, 4, 4, 0, 4])]]
    for masks in (bitmap, torch.from_numpy(bitmap), BitmapMasks(bitmap, 4, 4)):
        assert np.array_equal(mask2ndarray(masks), bitmap)
    assert mask2ndarray(PolygonMasks(polygons, 4, 4)).all()
    with pytest.raises(TypeError):
        mask2ndarray([])


def test_mean_outside_of_a_distributed_run_is_the_tensor_itself():
    tensor = torch.tensor(3.0)
    assert reduce_mean(tensor) is tensor
