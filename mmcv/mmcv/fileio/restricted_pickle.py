"""Reading pickles without trust: data comes back, code does not run.

A pickle names functions that the reader calls. Here it may name only those that rebuild plain
containers, numpy arrays and scalars, and torch tensors; none of them runs code of the file.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

ALLOWED = {
    "builtins": (
        "bool bytearray bytes complex dict float frozenset int list range set slice str tuple"
    ),
    "collections": "OrderedDict defaultdict deque",
    "numpy": "dtype ndarray",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy._core.numeric": "_frombuffer",
    "torch": "Size device",
    "torch._utils": "_rebuild_parameter _rebuild_tensor_v2",
}
_ALLOWED_NAMES = {module: frozenset(names.split()) for module, names in ALLOWED.items()}
# What protocols 0 to 2 write for Python 2.
_PYTHON_2 = {"xrange": "range", "unicode": "str", "long": "int"}


class UnsafePickleError(pickle.UnpicklingError):
    """A pickle that names something else than data."""


class RestrictedUnpickler(pickle.Unpickler):
    """An unpickler for containers, numpy arrays and torch tensors."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Returns what a pickle names.

        Raises:
            UnsafePickleError: it is not among the allowed names.
        """
        module = module_name.replace("numpy.core.", "numpy._core.")  # the name before numpy 2
        name = global_name
        if module == "__builtin__":
            module, name = "builtins", _PYTHON_2.get(name, name)
        if name in _ALLOWED_NAMES.get(module, ()):
            return super().find_class(module, name)
        if (module, name) == ("_codecs", "encode"):  # bytes in protocols 0 to 2
            return _encode
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return _load_storage
        if module == "torch":
            return _torch_dtype(name)
        raise _refused(module_name, global_name)


def load(file: Any, **options: Any) -> Any:
    """Reads one object; ``options`` are those of ``pickle.load``.

    Args:
        file: binary file object.
        options: fix_imports, encoding, errors, buffers.

    Raises:
        UnsafePickleError: the pickle names a class or function that is not allowed.
    """
    return RestrictedUnpickler(file, **options).load()


def _refused(module: str, name: str) -> UnsafePickleError:
    return UnsafePickleError(
        f"refused to load {module}.{name}: only builtin containers, numpy arrays and torch tensors"
        " are read, because a pickle of other classes can run any code. If you trust the file:"
        " mmcv.load(file, unsafe=True)"
    )


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise _refused("_codecs", f"encode(..., {encoding!r})")
    return text.encode("latin1")


def _load_storage(content: bytes) -> Any:
    """Reads the numbers of a tensor, which are a pickle of torch's own; torch restricts it."""
    import torch

    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _torch_dtype(name: str) -> Any:
    import torch

    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise _refused("torch", name)
    return found
