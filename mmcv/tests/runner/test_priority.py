import pytest

from mmcv.runner.priority import Priority, get_priority

LEVELS = dict(
    HIGHEST=0,
    VERY_HIGH=10,
    HIGH=30,
    ABOVE_NORMAL=40,
    NORMAL=50,
    BELOW_NORMAL=60,
    LOW=70,
    VERY_LOW=90,
    LOWEST=100,
)


@pytest.mark.parametrize(("name", "level"), LEVELS.items())
def test_levels_by_name_in_any_case_number_and_member(name, level):
    assert get_priority(name) == get_priority(name.lower()) == level
    assert get_priority(level) == get_priority(Priority[name]) == level


def test_other_priorities_are_refused():
    for value in (-1, 101):
        with pytest.raises(ValueError, match="between 0 and 100"):
            get_priority(value)
    with pytest.raises(KeyError):
        get_priority("MIDDLE")
    with pytest.raises(TypeError, match="int, a str or a Priority"):
        get_priority(1.5)
