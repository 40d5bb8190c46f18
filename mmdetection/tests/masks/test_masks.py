import numpy as np
import pytest
import torch

from mmdet.masks import BitmapMasks, PolygonMasks

HEIGHT, WIDTH = 20, 30
# Corners on whole pixels: both forms cover the same pixels.
SQUARES = [
    [np.array([2.0, 3, 12, 3, 12, 9, 2, 9])],
    [np.array([15.0, 1, 25, 1, 25, 6, 15, 6]), np.array([0.0, 12, 5, 12, 5, 20, 0, 20])],
]


def polygons() -> PolygonMasks:
    return PolygonMasks([[p.copy() for p in ps] for ps in SQUARES], HEIGHT, WIDTH)


def bitmaps() -> BitmapMasks:
    pixels = np.zeros((2, HEIGHT, WIDTH), dtype=np.uint8)
    pixels[0, 3:9, 2:12] = 1
    pixels[1, 1:6, 15:25] = 1
    pixels[1, 12:20, 0:5] = 1
    return BitmapMasks(pixels, HEIGHT, WIDTH)


BOTH = pytest.mark.parametrize("make", [polygons, bitmaps])
OPERATIONS = {
    "rescale": lambda m: m.rescale(2.0),
    "rescale into": lambda m: m.rescale((60, 60)),
    "resize": lambda m: m.resize((40, 90)),
    "horizontal": lambda m: m.flip("horizontal"),
    "vertical": lambda m: m.flip("vertical"),
    "diagonal": lambda m: m.flip("diagonal"),
    "pad": lambda m: m.pad((25, 40)),
    "crop": lambda m: m.crop(np.array([1, 2, 21, 17])),
    "crop beyond": lambda m: m.crop(np.array([-5, 2, 99, 17])),
    "crop and resize": lambda m: m.crop_and_resize(
        np.array([[0.0, 0, 14, 10], [0, 0, 30, 20]], dtype=np.float32), (20, 28), np.array([0, 0])
    ),
    "expand": lambda m: m.expand(40, 50, 5, 6),
    "translate": lambda m: m.translate((HEIGHT, WIDTH), 4),
    "translate up": lambda m: m.translate((HEIGHT, WIDTH), -2, "vertical"),
    "by index": lambda m: m[1],
    "by array": lambda m: m[np.array([1, 0])],
    "by mask": lambda m: m[np.array([True, False])],
    "by slice": lambda m: m[:1],
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_polygons_and_bitmaps_agree(name):
    drawn, pixels = OPERATIONS[name](polygons()), OPERATIONS[name](bitmaps())
    assert (drawn.height, drawn.width, len(drawn)) == (pixels.height, pixels.width, len(pixels))
    assert pixels.to_ndarray().shape == (len(pixels), pixels.height, pixels.width)
    different = (drawn.to_ndarray() != pixels.to_ndarray().astype(bool)).mean()
    assert different < (0.03 if "resize" in name else 1e-9)


@pytest.mark.parametrize("name", OPERATIONS)
@BOTH
def test_no_masks_stay_no_masks(name, make):
    if name.startswith("by") and name != "by slice":
        return
    empty = OPERATIONS[name](make()[:0])
    expected = OPERATIONS[name](make())
    assert len(empty) == 0
    assert empty.to_ndarray().shape == (0, expected.height, expected.width)
    assert empty.areas.shape == (0,) and empty.get_bboxes().shape == (0, 4)
    assert empty.to_tensor(torch.uint8, "cpu").shape == empty.to_ndarray().shape


@BOTH
def test_operations_leave_the_masks_as_they_are(make):
    masks = make()
    for operation in OPERATIONS.values():
        operation(masks)
    assert np.array_equal(masks.to_ndarray(), make().to_ndarray())


@BOTH
def test_areas_boxes_and_tensors(make):
    masks = make()
    assert masks.areas.tolist() == [60, 90]
    assert masks.get_bboxes().tolist() == [[2, 3, 12, 9], [0, 1, 25, 20]]
    assert masks.get_bboxes().dtype == np.float32
    tensor = masks.to_tensor(torch.float32, "cpu")
    assert tensor.dtype == torch.float32 and np.array_equal(tensor, masks.to_ndarray())
    assert [len(list(masks)), len(masks)] == [2, 2] and "num_masks=2, height=20" in repr(masks)


@BOTH
def test_rotation_by_a_right_angle_and_shear(make):
    square = make().crop(np.array([0, 0, 20, 20]))
    turned = square.rotate((20, 20), 90, center=(9.5, 9.5)).to_ndarray().astype(bool)
    expected = np.rot90(square.to_ndarray().astype(bool), -1, axes=(1, 2))
    assert (turned != expected).mean() < 0.06
    assert square.rotate((20, 20), 0).to_ndarray().sum() == square.to_ndarray().sum()
    for direction in ("horizontal", "vertical"):
        sheared = make().shear((HEIGHT, WIDTH), 0.0, direction)
        assert np.array_equal(sheared.to_ndarray(), make().to_ndarray())


def test_sheared_polygons_and_bitmaps_agree():
    drawn = polygons().shear((HEIGHT, WIDTH), 0.3).to_ndarray()
    pixels = bitmaps().shear((HEIGHT, WIDTH), 0.3).to_ndarray().astype(bool)
    assert (drawn != pixels).mean() < 0.02


def test_crops_on_the_border_keep_one_pixel():
    assert bitmaps().crop(np.array([30, 20, 30, 20])).to_ndarray().shape == (2, 1, 1)
    assert len(polygons().crop(np.array([30, 20, 30, 20]))) == 2
    for masks in (bitmaps(), polygons()):
        with pytest.raises(AssertionError):
            masks.crop([0, 0, 1, 1])
        with pytest.raises(AssertionError):
            masks.crop(np.zeros((1, 4)))


def test_crop_and_resize_is_exact_on_whole_factors_and_can_give_shares():
    box = np.array([[2.0, 3, 12, 9]], dtype=np.float32)
    for masks in (bitmaps(), polygons()):
        assert masks.crop_and_resize(box, (12, 20), np.array([0])).to_ndarray().all()
    shares = bitmaps().crop_and_resize(
        np.array([[0.0, 3, 4, 9]], dtype=np.float32), (1, 1), np.array([0]), binarize=False
    )
    assert shares.to_ndarray().item() == pytest.approx(0.5)
    with pytest.raises(ValueError, match="binarize"):
        polygons().crop_and_resize(box, (4, 4), np.array([0]), binarize=False)
    broken = np.array([[np.nan] * 4], dtype=np.float32)
    assert bitmaps().crop_and_resize(broken, (4, 4), np.array([0])).to_ndarray().shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("kind", "masks"),
    [
        (BitmapMasks, [[np.zeros((20, 30))]]),
        (BitmapMasks, np.zeros((20, 30))),
        (BitmapMasks, np.zeros((1, 3, 3))),
        (BitmapMasks, torch.zeros(1, 20, 30)),
        (PolygonMasks, np.zeros((1, 8))),
        (PolygonMasks, [np.zeros(8)]),
        (PolygonMasks, [[[0, 1, 2, 3, 4, 5]]]),
    ],
)
def test_masks_of_another_kind_are_refused(kind, masks):
    with pytest.raises(AssertionError):
        kind(masks, 20, 30)


def test_unknown_directions_are_refused():
    for masks in (bitmaps(), polygons()):
        with pytest.raises(AssertionError):
            masks.flip("up")
        with pytest.raises(AssertionError):
            masks.translate((20, 30), 3, "diagonal")


def test_polygons_that_cannot_be_drawn_are_empty():
    odd = [[np.array([1.0, 1, 5, 5])], [], [np.array([np.nan] * 8)], SQUARES[0]]
    masks = PolygonMasks(odd, HEIGHT, WIDTH)
    assert masks.to_ndarray().sum((1, 2)).tolist() == [0, 0, 0, 60]
    assert masks.get_bboxes()[1].tolist() == [0, 0, 0, 0]
    assert isinstance(masks.to_bitmap(), BitmapMasks)


def test_thousands_of_masks_are_translated():
    many = BitmapMasks(np.ones((2000, 4, 4), dtype=np.uint8), 4, 4)
    assert many.translate((4, 4), 1).areas.tolist() == [12] * 2000


@pytest.mark.parametrize("kind", [BitmapMasks, PolygonMasks])
def test_drawn_masks_are_the_same_for_a_seed(kind):
    first, again = (kind.random(num_masks=3, height=16, width=24, rng=1) for _ in range(2))
    assert len(first) == 3 and np.array_equal(first.to_ndarray(), again.to_ndarray())
    boxes = first.get_bboxes()
    assert (boxes >= 0).all() and (boxes[:, 2] <= 24).all() and (boxes[:, 3] <= 16).all()
