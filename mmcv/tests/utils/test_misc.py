"""mmcv.utils.misc: sequences, requirements, renamed arguments."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcv.utils import misc

INTS = st.lists(st.integers(), max_size=20)


def test_type_checks_of_sequences():
    assert misc.is_str("a") and not misc.is_str(b"a")
    assert misc.is_seq_of([1.0, 2.0], float) and misc.is_seq_of((1, "a"), (int, str))
    assert misc.is_seq_of("ab", str) and misc.is_seq_of([], int)
    assert not misc.is_seq_of([1, "a"], int) and not misc.is_seq_of({1}, int)
    assert not misc.is_seq_of((1,), int, seq_type=list)
    assert misc.is_list_of([1], int) and not misc.is_list_of((1,), int)
    assert misc.is_tuple_of((1,), int) and not misc.is_tuple_of([1], int)


def test_casts():
    assert misc.list_cast(range(3), str) == ["0", "1", "2"]
    assert misc.tuple_cast(["1", "2"], float) == (1.0, 2.0)
    assert misc.iter_cast([1, 2], str, return_type=tuple) == ("1", "2")
    lazy = misc.iter_cast([1], str)
    assert next(lazy) == "1"
    with pytest.raises(TypeError, match="iterable"):
        misc.list_cast(1, str)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="valid type"):
        misc.iter_cast([1], "str")  # type: ignore[arg-type]


@given(st.lists(INTS, max_size=6))
def test_slice_list_undoes_concat_list(parts):
    whole = misc.concat_list(parts)
    assert whole == [item for part in parts for item in part]
    assert misc.slice_list(whole, [len(part) for part in parts]) == parts


def test_slice_list_in_equal_pieces():
    assert misc.slice_list([1, 2, 3, 4], 2) == [[1, 2], [3, 4]]
    for bad in (3, 0, -1, [1, 2]):
        with pytest.raises(ValueError):
            misc.slice_list([1, 2, 3, 4], bad)
    with pytest.raises(TypeError):
        misc.slice_list([1], 2.0)  # type: ignore[arg-type]


def test_to_ntuple():
    for n, parse in enumerate((misc.to_1tuple, misc.to_2tuple, misc.to_3tuple, misc.to_4tuple), 1):
        assert parse(2) == (2,) * n
    assert misc.to_2tuple((1, 2, 3)) == (1, 2, 3)  # an iterable stays what it is
    assert misc.to_2tuple([1]) == [1]
    assert misc.to_ntuple(5)(0) == (0,) * 5


def test_import_modules_from_strings():
    assert misc.import_modules_from_strings("math") is math
    assert misc.import_modules_from_strings(["math", "sys"]) == [math, sys]
    assert misc.import_modules_from_strings(None) is None
    assert misc.import_modules_from_strings([]) is None
    with pytest.raises(ImportError, match="no_such_module_a"):
        misc.import_modules_from_strings("no_such_module_a")
    with pytest.warns(UserWarning, match="no_such_module_a"):
        result = misc.import_modules_from_strings(["no_such_module_a", "math"], True)
    assert result == [None, math]
    for bad in (1, [1], ("math",)):
        with pytest.raises(TypeError):
            misc.import_modules_from_strings(bad)  # type: ignore[arg-type]


def test_a_failed_import_tells_the_reason(tmp_path, monkeypatch):
    (tmp_path / "plugin_with_missing_part.py").write_text("import a_missing_part\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="a_missing_part"):
        misc.import_modules_from_strings("plugin_with_missing_part")


def test_requirements_are_checked_when_called():
    @misc.requires_package(["math", "no_such_a", "no_such_b"])
    def lacks_packages():
        """Documented."""

    @misc.requires_package("math")
    def has_packages():
        return 1

    @misc.requires_executable("no_such_program")
    def lacks_program(): ...

    @misc.requires_executable("python3")
    def has_program():
        return 2

    assert (has_packages(), has_program()) == (1, 2)
    assert lacks_packages.__doc__ == "Documented."
    with pytest.raises(RuntimeError, match=r'"no_such_a, no_such_b".*"lacks_packages"'):
        lacks_packages()
    with pytest.raises(RuntimeError, match="no_such_program"):
        lacks_program()


def test_deprecated_api_warning_renames_keywords():
    @misc.deprecated_api_warning({"old": "new"}, cls_name="Head")
    def func(new=1, other=0):
        return new, other

    assert func(new=3) == (3, 0)
    with pytest.warns(DeprecationWarning, match=r'"old" is deprecated in `Head.func`.*"new"'):
        assert func(old=2, other=5) == (2, 5)
    with pytest.raises(AssertionError), pytest.warns(DeprecationWarning):
        func(old=1, new=2)


class Base:
    value = 1

    def run(self): ...

    def stop(self): ...


class Derived(Base):
    def run(self): ...


def test_is_method_overridden():
    assert misc.is_method_overridden("run", Base, Derived)
    assert misc.is_method_overridden("run", Base, Derived())
    assert not misc.is_method_overridden("stop", Base, Derived)
    with pytest.raises(AssertionError):
        misc.is_method_overridden("run", Base(), Derived)  # type: ignore[arg-type]


def test_has_method():
    assert misc.has_method(Base(), "run")
    assert not misc.has_method(Base(), "value") and not misc.has_method(Base(), "walk")
