"""mmcv.fileio: lists and dicts from text files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcv.fileio import dict_from_file, list_from_file


@pytest.fixture
def write(tmp_path):
    def write_file(text, encoding="utf-8"):
        path = tmp_path / "list.txt"
        path.write_bytes(text.encode(encoding))
        return path

    return write_file


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines(write, end):
    path = write(end.join(["1.jpg", " 2.jpg ", "", "3.jpg"]) + end)
    assert list_from_file(path) == ["1.jpg", " 2.jpg ", "", "3.jpg"]
    assert list_from_file(str(path), prefix="a/")[0] == "a/1.jpg"


@given(st.integers(0, 6), st.integers(0, 6))
def test_offset_and_number(tmp_path_factory, offset, max_num):
    lines = [f"{i}.jpg" for i in range(5)]
    path = tmp_path_factory.getbasetemp() / "numbers.txt"
    path.write_text("\n".join(lines))
    expected = []
    for index, line in enumerate(lines):
        if index >= offset and (max_num == 0 or len(expected) < max_num):
            expected.append(line)
    assert list_from_file(path, offset=offset, max_num=max_num) == expected


def test_encoding(write):
    assert list_from_file(write("grün\n", "latin-1"), encoding="latin-1") == ["grün"]


def test_an_empty_file(write):
    assert list_from_file(write("")) == []
    assert dict_from_file(write("")) == {}


def test_dicts(write):
    path = write("1 cat\n2 dog cow\n3  panda\n")
    assert dict_from_file(path) == {"1": "cat", "2": ["dog", "cow"], "3": "panda"}
    assert list(dict_from_file(path, key_type=int)) == [1, 2, 3]
    with pytest.raises(ValueError, match=r"list\.txt, line 2"):
        dict_from_file(write("1 cat\n2\n"))


def test_the_storage_can_be_named(write):
    assert list_from_file(write("a\n"), file_client_args={"backend": "disk"}) == ["a"]
    with pytest.raises(ValueError, match="out of scope"):
        list_from_file("a.txt", file_client_args={"backend": "petrel"})
