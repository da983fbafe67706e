"""The fingerprint of a strategy: a short hash of everything that decides its answers, besides its spec.

A spec names a strategy, and an edit of the strategy does not change its name. A run stores the
fingerprint with each result and makes a result again if the fingerprint has changed. That costs only
the draws whose prompts have changed.

The fingerprint covers the name, version and parameters of each technique, with the text of every
prompt and demonstration, and the files of folders that are searched. An algorithm of this library
that changes states a new version (`@technique(version=2)`). The code of users has no version, so
their source files, functions and classes are hashed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

from reasoning.errors import ReasoningError
from reasoning.retrieval.reading import Source
from reasoning.strategies.demonstrations.pool import DemonstrationPool
from reasoning.strategy import Strategy

_SOURCES = {"retriever", "source", "sources"}
"""The parameters that name texts to search."""
_DATA_SUFFIXES = {".json", ".toml", ".txt", ".yaml"}
_FORMER_CONSTANTS = [
    ("answer_tokens", 64),
    ("option_tokens", 32),
    ("label_tokens", 32),
    ("titles", ()),
    ("structured", False),
    ("parse", None),
]
"""Parameters that were constants before: with these values the stored results of earlier versions stay valid."""
_DEMONSTRATIONS = "reasoning.strategies.demonstrations"
_PLAIN_DEMONSTRATIONS = "shipped.toml"
_FURTHER_DEMONSTRATIONS = {"complex_cot", "contrastive_cot", "least_to_most"}
"""The techniques whose demonstrations have parts or sets of their own: wrong explanations, long chains,
sub-questions that grow."""


def fingerprint(strategy: Strategy) -> str:
    """Return sixteen hexadecimal digits that change when the strategy may answer differently.

    They are the same in every process, and do not depend on where the modules of this library are.
    """
    modules: set[str] = set()
    parts = ["\n".join(_describe(strategy, modules))]
    parts += [_read_source(name) for name in sorted(_with_neighbours(modules))]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def _describe(value: Any, modules: set[str]) -> Iterator[str]:
    """Yield the parts of a value that are the same in every process, and collect the modules of users."""
    if isinstance(value, MethodType):
        value = value.__func__
    if isinstance(value, type | FunctionType):
        yield from _describe_code(value, modules)
    elif dataclasses.is_dataclass(value):
        yield from _describe_class(type(value), modules)
        if isinstance(value, Strategy):
            yield f"{value.card.name} version {value.card.version}"
        for field in dataclasses.fields(value):
            if (field.name, getattr(value, field.name)) in _FORMER_CONSTANTS:
                continue
            yield field.name
            yield from _describe(getattr(value, field.name), modules)
            if field.name in _SOURCES:
                yield from _describe_texts(getattr(value, field.name))
        if hasattr(value, "demonstrations") and getattr(value, "shots", True):
            yield _bundled_demonstrations(value)
            yield from _read_demonstrations(value.demonstrations)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield repr(key)
            yield from _describe(item, modules)
    elif isinstance(value, list | tuple | set | frozenset):
        yield type(value).__name__
        for item in sorted(value, key=repr) if isinstance(value, set | frozenset) else value:
            yield from _describe(item, modules)
    elif value is None or isinstance(value, str | bytes | int | float):
        yield repr(value)
    else:
        # Of another object, only its class is sure to be the same in the next process.
        yield from _describe_class(type(value), modules)


def _describe_class(cls: type, modules: set[str]) -> Iterator[str]:
    """Yield the name of a class. A technique of this library needs none: it has a name in specs."""
    if _is_ours(cls.__module__):
        yield "" if issubclass(cls, Strategy) else cls.__qualname__
    else:
        yield from _describe_code(cls, modules)


def _describe_code(value: type | FunctionType, modules: set[str]) -> Iterator[str]:
    """Yield the name of a class or function, and its code if a user wrote it where there is no file."""
    if _is_ours(value.__module__):
        yield value.__qualname__
        return
    modules.add(value.__module__)
    yield f"{value.__module__}:{value.__qualname__}"
    if not _file_of(value.__module__):
        yield from _code_parts(value)


def _code_parts(value: Any) -> Iterator[str]:
    """Yield the source of a class or function, or without source its bytecode and constants."""
    try:
        yield inspect.getsource(value)
        return
    except (OSError, TypeError):
        pass
    if isinstance(value, FunctionType):
        yield from _bytecode(value.__code__)
    elif isinstance(value, type):
        for name, member in vars(value).items():
            if isinstance(member, FunctionType):
                yield name
                yield from _bytecode(member.__code__)


def _bytecode(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _bytecode(constant)
        else:
            # The order of a set of texts differs from process to process.
            yield repr(sorted(constant, key=repr) if isinstance(constant, frozenset) else constant)


def _is_ours(module: str) -> bool:
    """Return whether a module belongs to this library, whose techniques state versions."""
    return module.partition(".")[0] in ("reasoning", "builtins")


def _bundled_demonstrations(strategy: Any) -> str:
    """Return the text of the demonstrations that come with the library: they reach prompts as data.

    The further files serve named sets, pools and the techniques that show more than the plain
    examples. They are left out for others, whose stored results they do not change.
    """
    plain = strategy.demonstrations is None and strategy.card.name not in _FURTHER_DEMONSTRATIONS
    data = [
        path
        for path in files(_DEMONSTRATIONS).iterdir()
        if path.name == _PLAIN_DEMONSTRATIONS or (Path(path.name).suffix in _DATA_SUFFIXES and not plain)
    ]
    return "\0".join(path.read_text(encoding="utf-8") for path in sorted(data, key=lambda path: path.name))


def _read_demonstrations(source: Any) -> Iterator[str]:
    """Yield the text of a file of demonstrations, which may be edited under its name."""
    pool = DemonstrationPool.from_source(source)
    if not isinstance(pool.source, str) or pool.is_shipped:
        return
    # A file that is missing is named where the strategy reads it.
    with suppress(OSError, RuntimeError):
        yield Path(pool.source).expanduser().read_text(encoding="utf-8", errors="replace")


def _describe_texts(source: Any) -> Iterator[str]:
    """Yield the digests of the files that are searched, which may change under their names."""
    if isinstance(source, Mapping | list | tuple):
        for one in source.values() if isinstance(source, Mapping) else source:
            yield from _describe_texts(one)
    elif isinstance(source, str) and source.strip():
        # A source that is missing or no file, such as "wikipedia", is named where it is opened.
        with suppress(OSError, ReasoningError):
            texts = Source(source)
            if not texts.is_hub:
                yield texts.content_digest()


def _with_neighbours(modules: set[str]) -> set[str]:
    """Return the modules, and those of the same package from which they import functions and classes."""
    found, waiting = set[str](), list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or name not in sys.modules:
            continue
        found.add(name)
        package = name.partition(".")[0]
        imported = {getattr(value, "__module__", None) for value in vars(sys.modules[name]).values()}
        waiting += [one for one in imported if isinstance(one, str) and one.partition(".")[0] == package]
    return found


def _file_of(module: str) -> Path | None:
    """Return the source file of a module; None in a notebook."""
    loaded = sys.modules.get(module)
    try:
        file = inspect.getsourcefile(loaded) if loaded else None
    except TypeError:
        return None
    return Path(file) if file and Path(file).is_file() else None


def _read_source(module: str) -> str:
    """Return the text of a module's file, and of a package's data files; empty in a notebook."""
    file = _file_of(module)
    if file is None:
        return ""
    try:
        data = file.parent.iterdir() if file.stem == "__init__" else ()
        paths = [file, *sorted(path for path in data if path.suffix in _DATA_SUFFIXES)]
        return "\0".join(path.read_text(encoding="utf-8") for path in paths)
    except (OSError, UnicodeDecodeError):
        return ""
