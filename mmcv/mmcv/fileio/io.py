"""Objects from and to files, in the format that the file's name says."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from mmcv.fileio.file_client import FileClient
from mmcv.fileio.handlers import BaseFileHandler, JsonHandler, PickleHandler, YamlHandler
from mmcv.utils.misc import is_list_of
from mmcv.utils.path import PathLike

file_handlers: dict[str, BaseFileHandler] = {
    "json": JsonHandler(),
    "yaml": YamlHandler(),
    "yml": YamlHandler(),
    "pickle": PickleHandler(),
    "pkl": PickleHandler(),
}


def load(
    file: PathLike | Any,
    file_format: str | None = None,
    file_client_args: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Returns the object in a JSON, YAML or pickle file.

    Args:
        file: path, address, or an open file.
        file_format: needed where the file has no name that ends in it.
        file_client_args: which storage ``file`` is in; see ``FileClient``.
        kwargs: passed to the reader of the format. ``unsafe=True`` lets pickles hold any class,
            and run any code.

    Raises:
        UnsafePickleError: a pickle holds more than containers, numpy arrays and torch tensors.
    """
    name = str(file) if isinstance(file, (str, Path)) else None
    handler = _handler(file_format, name)
    if name is None:
        if not hasattr(file, "read"):
            raise TypeError('"file" must be a filepath str or a file-object')
        return handler.load_from_fileobj(file, **kwargs)
    client = FileClient.infer_client(file_client_args, name)
    with _named_errors(name):
        if not handler.str_like:
            return handler.load_from_fileobj(BytesIO(client.get(name)), **kwargs)
        text = _NamedText(client.get_text(name))
        text.name = name
        return handler.load_from_fileobj(text, **kwargs)


def dump(
    obj: Any,
    file: PathLike | Any = None,
    file_format: str | None = None,
    file_client_args: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Writes an object as JSON, YAML or pickle.

    Args:
        obj: what is written.
        file: path, or an open file; without one the content is returned.
        file_format: needed where the file has no name that ends in it.
        file_client_args: which storage ``file`` is in; see ``FileClient``.
        kwargs: passed to the writer of the format, such as ``indent=2``.
    """
    name = str(file) if isinstance(file, (str, Path)) else None
    if file is None and file_format is None:
        raise ValueError("file_format must be specified since file is None")
    handler = _handler(file_format, name)
    if file is None:
        return handler.dump_to_str(obj, **kwargs)
    if name is None:
        if not hasattr(file, "write"):
            raise TypeError('"file" must be a filename str or a file-object')
        handler.dump_to_fileobj(obj, file, **kwargs)
        return None
    # Written in memory first: an object that cannot be written leaves no broken file.
    client = FileClient.infer_client(file_client_args, name)
    if handler.str_like:
        text = StringIO()
        handler.dump_to_fileobj(obj, text, **kwargs)
        client.put_text(text.getvalue(), name)
    else:
        content = BytesIO()
        handler.dump_to_fileobj(obj, content, **kwargs)
        client.put(content.getvalue(), name)
    return None


def register_handler(
    file_formats: str | list[str], **kwargs: Any
) -> Callable[[type[BaseFileHandler]], type[BaseFileHandler]]:
    """Makes a decorator that registers a class for formats.

    Args:
        file_formats: endings of file names, without the dot.
        kwargs: passed to the class.
    """
    formats = [file_formats] if isinstance(file_formats, str) else file_formats
    if not is_list_of(formats, str):
        raise TypeError("file_formats must be a str or a list of str")

    def decorate(cls: type[BaseFileHandler]) -> type[BaseFileHandler]:
        handler = cls(**kwargs)
        if not isinstance(handler, BaseFileHandler):
            raise TypeError(f"handler must be a child of BaseFileHandler, not {type(handler)}")
        for name in formats:
            file_handlers[name] = handler
        return cls

    return decorate


class _NamedText(StringIO):
    name = ""  # YAML's errors show it


def _handler(file_format: str | None, name: str | None) -> BaseFileHandler:
    if file_format is None and name is not None:
        file_format = name.split(".")[-1]
    if file_format not in file_handlers:
        where = f" of {name}" if name else ""
        possible = ", ".join(file_handlers)
        raise TypeError(f"Unsupported format: {file_format}{where}; possible: {possible}")
    return file_handlers[file_format]


@contextmanager
def _named_errors(name: str) -> Iterator[None]:
    """Says in the errors of JSON and pickle which file they are about."""
    try:
        yield
    except json.JSONDecodeError as error:
        raise json.JSONDecodeError(f"{name}: {error.msg}", error.doc, error.pos) from error
    except pickle.UnpicklingError as error:
        raise type(error)(f"{name}: {error}") from error
    except EOFError as error:
        raise EOFError(f"{name} ends too early: {error}") from error
