"""mmcv.fileio: load and dump by format, formats of users, and errors that name the file."""

import collections
import json
import pickle
from io import BytesIO, StringIO

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mmcv.fileio import BaseFileHandler, UnsafePickleError, dump, io, load, register_handler

FORMATS = ["json", "yaml", "yml", "pickle", "pkl"]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class Anything:
    """A class that pickles may not name."""

    def __eq__(self, other):
        return isinstance(other, Anything)


@pytest.mark.parametrize("file_format", ["json", "yaml", "pkl"])
@given(tree=TREES)
def test_what_is_dumped_is_loaded(file_format, tree):
    content = dump(tree, file_format=file_format)
    file = BytesIO(content) if file_format == "pkl" else StringIO(content)
    assert load(file, file_format=file_format) == tree


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_files_of_every_format(tmp_path, file_format, kind):
    obj = [{"a": "abc", "b": 1}, 2, "c"]
    path = kind(tmp_path / "sub" / f"x.{file_format}")
    dump(obj, path)
    assert load(path) == obj
    other = kind(tmp_path / "no_ending")
    dump(obj, other, file_format=file_format)
    assert load(other, file_format=file_format) == obj


def test_content_is_what_the_libraries_write(tmp_path):
    obj = {"b": [1, 2.5], "a": "x"}
    assert dump(obj, file_format="json") == json.dumps(obj)
    assert dump(obj, file_format="json", indent=2) == json.dumps(obj, indent=2)
    assert yaml.safe_load(dump(obj, file_format="yaml")) == obj
    assert pickle.loads(dump(obj, file_format="pkl")) == obj
    assert load(BytesIO(pickle.dumps(obj, protocol=2)), file_format="pkl") == obj


def test_open_files(tmp_path):
    with open(tmp_path / "a.json", "w") as file:
        dump([1], file, file_format="json")
    with open(tmp_path / "a.json") as file:
        assert load(file, file_format="json") == [1]
    with open(tmp_path / "a.pkl", "wb") as file:
        dump([1], file, file_format="pkl")
    with open(tmp_path / "a.pkl", "rb") as file:
        assert load(file, file_format="pkl") == [1]


def test_numpy_values_are_plain_in_text():
    obj = {"i": np.int64(1), "f": np.float32(0.5), "a": np.arange(4).reshape(2, 2)}
    plain = {"i": 1, "f": 0.5, "a": [[0, 1], [2, 3]]}
    assert json.loads(dump(obj, file_format="json")) == plain
    assert load(StringIO(dump(obj, file_format="yaml")), file_format="yaml") == plain
    assert json.loads(dump([{1}, range(2)], file_format="json")) == [[1], [0, 1]]
    with pytest.raises(TypeError, match="unsupported for json"):
        dump(Anything(), file_format="json")


def test_yaml_keeps_tuples_and_any_kind_of_dict():
    from mmcv.config import ConfigDict

    obj = {"size": (1, (2, "a")), "cfg": ConfigDict(a=1), "o": collections.OrderedDict(b=2)}
    result = load(StringIO(dump(obj, file_format="yaml")), file_format="yaml")
    assert result == {"size": (1, (2, "a")), "cfg": {"a": 1}, "o": {"b": 2}}
    assert type(result["cfg"]) is dict


def test_yaml_runs_no_code(tmp_path):
    target = tmp_path / "it_ran"
    attack = f"!!python/object/apply:os.system ['touch {target}']"
    with pytest.raises(yaml.YAMLError, match="could not determine a constructor"):
        load(StringIO(attack), file_format="yaml")
    assert not target.exists()


def test_pickles_of_results(tmp_path):
    results = [(np.array([[1.0, 2.0]]), torch.arange(3)), {"counts": b"ab", "size": [1, 2]}]
    dump(results, tmp_path / "results.pkl")
    (array, tensor), rle = load(tmp_path / "results.pkl")
    np.testing.assert_array_equal(array, results[0][0])
    assert torch.equal(tensor, results[0][1]) and rle == results[1]


def test_pickles_of_other_classes_need_to_be_trusted(tmp_path):
    path = tmp_path / "anything.pkl"
    # A class that can be found by name, as in a file that somebody sends.
    path.write_bytes(pickle.dumps(collections.Counter("aab")))
    with pytest.raises(UnsafePickleError, match=r"anything\.pkl.*Counter.*unsafe=True"):
        load(path)
    assert load(path, unsafe=True) == {"a": 2, "b": 1}


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("bad.json", b"{'a': 1}", json.JSONDecodeError),
        ("bad.yaml", b"a: [1", yaml.YAMLError),
        ("bad.pkl", b"no pickle", pickle.UnpicklingError),
        ("cut.pkl", pickle.dumps([1, 2])[:-3], pickle.UnpicklingError),
        ("empty.pkl", b"", EOFError),
    ],
)
def test_errors_name_the_file(tmp_path, name, content, error):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=name):
        load(tmp_path / name)


def test_formats_and_targets_that_do_not_exist(tmp_path):
    with pytest.raises(ValueError, match="file_format must be specified"):
        dump([1])
    with pytest.raises(TypeError, match=r"Unsupported format: txt.*json"):
        dump([1], "tmp.txt")
    with pytest.raises(TypeError, match="Unsupported format"):
        load(tmp_path / "a.txt")
    with pytest.raises(TypeError, match="filepath str or a file-object"):
        load(1, file_format="json")
    with pytest.raises(TypeError, match="filename str or a file-object"):
        dump([1], 1, file_format="json")


def test_what_cannot_be_written_leaves_no_file(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(TypeError):
        dump([Anything()], tmp_path / "a.json")
    assert load(tmp_path / "a.json") == [1]


def test_users_register_formats(tmp_path, monkeypatch):
    monkeypatch.setattr(io, "file_handlers", dict(io.file_handlers))

    @register_handler(["txt", "log"], prefix=">")
    class TextHandler(BaseFileHandler):
        def __init__(self, prefix):
            self.prefix = prefix

        def load_from_fileobj(self, file):
            return self.prefix + file.read()

        def dump_to_fileobj(self, obj, file):
            file.write(str(obj))

        def dump_to_str(self, obj):
            return str(obj)

    dump([1], tmp_path / "a.txt")
    assert load(tmp_path / "a.txt") == ">[1]"
    assert dump([1], file_format="log") == "[1]"
    with pytest.raises(TypeError, match="list of str"):
        register_handler(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="BaseFileHandler"):
        register_handler("x")(dict)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["json", "yaml", "pkl"])
def test_handlers_by_path(tmp_path, name):
    handler = io.file_handlers[name]
    handler.dump_to_path({"a": 1}, tmp_path / "x")
    assert handler.load_from_path(tmp_path / "x") == {"a": 1}
