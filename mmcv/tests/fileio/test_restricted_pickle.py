"""mmcv.fileio.restricted_pickle: data is read, attacks are refused and run nothing."""

import builtins
import collections
import functools
import io
import os
import pickle
import subprocess

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmcv.fileio.restricted_pickle import UnsafePickleError, load

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def reload(obj, protocol=4):
    return load(io.BytesIO(pickle.dumps(obj, protocol=protocol)))


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(TREES, st.sampled_from(PROTOCOLS))
def test_plain_values_come_back(tree, protocol):
    assert reload(tree, protocol) == tree


# Protocols 0 and 1 rebuild subclasses through copyreg, which is refused.
@pytest.mark.parametrize("protocol", PROTOCOLS[2:])
@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        frozenset([1]),
        bytearray(b"\x00\xff"),
        2j,
        range(1, 9, 2),
        slice(1, 2),
        collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]),
        collections.deque([1], maxlen=3),
        torch.float16,
        torch.Size([1, 2]),
        torch.device("cpu"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_builtin_and_torch_types_come_back(value, protocol):
    result = reload(value, protocol)
    assert result == value and type(result) is type(value)


@pytest.mark.parametrize("protocol", [2, 4, 5])
@given(data=st.data())
def test_numpy_arrays_come_back(protocol, data):
    dtypes = hnp.scalar_dtypes()
    array = data.draw(hnp.arrays(data.draw(dtypes), hnp.array_shapes(min_dims=0, min_side=0)))
    result = reload(array, protocol)
    # numpy's own pickling does not keep a foreign byte order.
    assert result.dtype == pickle.loads(pickle.dumps(array, protocol)).dtype
    np.testing.assert_array_equal(result, array)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_special_numpy_arrays_come_back(protocol):
    structured = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
    objects = np.array([{"a": [1]}, "b"], dtype=object)
    for array in (structured, objects, np.asfortranarray(np.eye(3)), np.float32(1.5)):
        np.testing.assert_array_equal(reload(array, protocol), array)
    assert type(reload(np.float32(1), protocol)) is np.float32


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_torch_tensors_come_back(protocol, dtype):
    tensor = torch.arange(6).reshape(2, 3).to(dtype)
    for value in (tensor, tensor.t(), tensor[:, 1], tensor[:0]):
        result = reload(value, protocol)
        assert result.dtype == dtype and torch.equal(result, value)
    parameter = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    result = reload(parameter, protocol)
    assert isinstance(result, torch.nn.Parameter) and not result.requires_grad


def test_arrays_pickled_by_numpy_1_come_back():
    text = pickle.dumps(np.arange(3), protocol=2).replace(b"numpy._core.", b"numpy.core.")
    np.testing.assert_array_equal(load(io.BytesIO(text)), np.arange(3))


class Attack:
    """Makes the reader call a function."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


FUNCTIONS = [
    os.system,
    subprocess.Popen,
    builtins.eval,
    builtins.exec,
    builtins.getattr,
    builtins.open,
    builtins.__import__,
    functools.partial,
    pickle.loads,
    np.load,
    torch.load,
    torch.hub.load,
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "function",
    FUNCTIONS,
    ids=lambda function: getattr(function, "__qualname__", str(function)),
)
def test_functions_are_refused_and_not_called(tmp_path, protocol, function):
    target = tmp_path / "it_ran"
    attack = pickle.dumps(Attack(function, f"touch {target}"), protocol=protocol)
    with pytest.raises(UnsafePickleError, match="unsafe=True"):
        load(io.BytesIO(attack))
    assert not target.exists()


def test_the_refusal_names_the_class():
    with pytest.raises(UnsafePickleError, match=r"collections\.Counter"):
        reload(collections.Counter("a"))


def test_attacks_inside_data_are_refused():
    for attack in (
        [1, {"a": Attack(os.system, "true")}],
        np.array([Attack(os.system, "true")], dtype=object),
        collections.defaultdict(os.getcwd),
    ):
        with pytest.raises(UnsafePickleError):
            reload(attack)


def test_attacks_inside_the_numbers_of_a_tensor_are_refused(tmp_path):
    target = tmp_path / "it_ran"
    inner = io.BytesIO()
    torch.save(Attack(os.system, f"touch {target}"), inner, _use_new_zipfile_serialization=False)
    attack = Attack(torch.storage._load_from_bytes, inner.getvalue())
    with pytest.raises(pickle.UnpicklingError):
        reload(attack)
    assert not target.exists()


def test_dotted_names_do_not_reach_through_allowed_modules():
    # Protocol 4 names are paths: "ndarray.__class__" would otherwise reach attributes.
    for module, name in [("collections", "OrderedDict.__init__"), ("torch", "serialization.load")]:
        parts = (module.encode(), name.encode())
        text = b"\x80\x04" + b"".join(b"\x8c" + bytes([len(p)]) + p for p in parts) + b"\x93."
        with pytest.raises(UnsafePickleError, match="refused"):
            load(io.BytesIO(text))


def test_codecs_other_than_latin1_are_refused():
    import _codecs

    with pytest.raises(UnsafePickleError, match="utf"):
        reload(Attack(_codecs.encode, "a", "utf-8"))
