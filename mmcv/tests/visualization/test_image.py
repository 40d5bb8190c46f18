import cv2
import numpy as np
import pytest

from mmcv.visualization import imshow, imshow_bboxes, imshow_det_bboxes


def outline(x1: int, y1: int, x2: int, y2: int) -> set[tuple[int, int]]:
    horizontal = {(y, x) for x in range(x1, x2 + 1) for y in (y1, y2)}
    return horizontal | {(y, x) for y in range(y1, y2 + 1) for x in (x1, x2)}


def drawn(img: np.ndarray, color: tuple) -> set[tuple[int, int]]:
    return {(int(y), int(x)) for y, x in np.argwhere((img == color).all(axis=-1))}


def test_boxes_are_outlined(tmp_path):
    boxes = np.array([[2.0, 3.0, 10.0, 8.0], [12.0, 1.0, 18.0, 18.0]])
    path = tmp_path / "out" / "boxes.png"
    picture = imshow_bboxes(np.zeros((20, 20, 3), np.uint8), boxes, show=False, out_file=path)
    assert drawn(picture, (0, 255, 0)) == outline(2, 3, 10, 8) | outline(12, 1, 18, 18)
    np.testing.assert_array_equal(cv2.imread(str(path)), picture)


def test_groups_have_their_colours_and_limits():
    groups = [np.array([[1, 1, 3, 3], [5, 5, 9, 9]]), np.array([[11, 11, 14, 14]])]
    black = np.zeros((20, 20, 3), np.uint8)
    picture = imshow_bboxes(black, groups, ["red", "blue"], top_k=1, show=False)
    assert drawn(picture, (0, 0, 255)) == outline(1, 1, 3, 3)
    assert drawn(picture, (255, 0, 0)) == outline(11, 11, 14, 14)
    with pytest.raises(AssertionError):
        imshow_bboxes(black, groups, ["red"], show=False)


def test_detections_above_the_threshold_get_text():
    boxes = np.array([[10, 20, 60, 50, 0.9], [5, 60, 20, 70, 0.2]])
    labels = np.array([1, 0])
    black = np.zeros((80, 80, 3), np.uint8)
    picture = imshow_det_bboxes(
        black,
        boxes,
        labels,
        class_names=["cat", "dog"],
        score_thr=0.5,
        text_color="red",
        show=False,
    )
    assert drawn(picture, (0, 255, 0)) <= outline(10, 20, 60, 50)
    assert picture[:20].max() == 255 and picture[52:].max() == 0
    unnamed = imshow_det_bboxes(np.zeros_like(black), boxes[:, :4], labels, show=False)
    assert unnamed[52:].max() == 255


def test_wrong_shapes():
    img = np.zeros((5, 5, 3), np.uint8)
    for boxes, labels in [(np.zeros((2, 3)), np.zeros(2)), (np.zeros((2, 4)), np.zeros(3))]:
        with pytest.raises(AssertionError):
            imshow_det_bboxes(img, boxes, labels, show=False)
    with pytest.raises(AssertionError, match="score_thr"):
        imshow_det_bboxes(img, np.zeros((1, 4)), np.zeros(1, int), score_thr=0.5, show=False)


def test_a_missing_window_system_says_what_to_do(monkeypatch):
    def no_window(*args):
        raise cv2.error("not implemented")

    monkeypatch.setattr(cv2, "imshow", no_window)
    with pytest.raises(RuntimeError, match="out_file"):
        imshow(np.zeros((2, 2, 3), np.uint8))
