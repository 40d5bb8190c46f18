"""The tables of class names and colours."""

import pytest

from mmseg.evaluation import get_classes, get_palette


@pytest.mark.parametrize(
    ("name", "count", "first", "last", "last_colour"),
    [
        ("ade", 150, "wall", "flag", [92, 0, 255]),
        ("ade20k", 150, "wall", "flag", [92, 0, 255]),
        ("cocostuff", 171, "person", "wood", [64, 64, 0]),
        ("coco_stuff164k", 171, "person", "wood", [64, 64, 0]),
        ("cityscapes", 19, "road", "bicycle", [119, 11, 32]),
        ("voc12aug", 21, "background", "tvmonitor", [0, 64, 128]),
        ("pascal_context", 60, "background", "wood", [31, 0, 255]),
        ("pascal_context59", 59, "aeroplane", "wood", [31, 0, 255]),
    ],
)
def test_tables_have_one_colour_per_class(name, count, first, last, last_colour):
    classes, palette = get_classes(name), get_palette(name)
    assert (len(classes), len(palette)) == (count, count)
    assert (classes[0], classes[-1], palette[-1]) == (first, last, last_colour)
    assert len(set(classes)) == count
    assert all(len(c) == 3 and all(0 <= v <= 255 for v in c) for c in palette)


def test_the_published_spelling_of_bed_is_kept():
    assert get_classes("ade")[7] == "bed "


def test_a_palette_may_be_changed_by_its_receiver():
    get_palette("ade")[0][0] = 999
    assert get_palette("ade")[0] == [120, 120, 120]


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=r"ade20kk; did you mean 'ade20k'"):
        get_classes("ade20kk")
    with pytest.raises(TypeError):
        get_palette(150)
