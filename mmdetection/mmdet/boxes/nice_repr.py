"""A short ``repr`` for objects that hold tensors."""

from __future__ import annotations


class NiceRepr:
    """Shows ``<Class(what __nice__ returns)>``; ``__nice__`` defaults to the length."""

    def __nice__(self) -> str:
        if hasattr(self, "__len__"):
            return str(len(self))  # pyright: ignore[reportArgumentType]
        raise NotImplementedError(f"Define the __nice__ method for {type(self)!r}")

    def __repr__(self) -> str:
        try:
            return f"<{type(self).__name__}({self.__nice__()}) at {hex(id(self))}>"
        except NotImplementedError:
            return object.__repr__(self)

    def __str__(self) -> str:
        try:
            return f"<{type(self).__name__}({self.__nice__()})>"
        except NotImplementedError:
            return object.__repr__(self)
