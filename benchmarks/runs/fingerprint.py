"""What a strategy is beyond its spec: its prompts and its code, as a short hash.

A spec names a strategy; editing the strategy does not change its name. With the fingerprint stored beside each
result, a run notices that and solves again, which costs only the draws whose prompts have changed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from reasoning.strategy import Strategy

_DATA = {".json", ".toml", ".txt", ".yaml"}


def fingerprint(strategy: Strategy) -> str:
    """Sixteen hex digits, the same in every process as long as values and source files are the same."""
    modules: set[str] = set()
    described = "\n".join(_described(strategy, modules))
    sources = [_source(name) for name in sorted(_with_neighbours(modules))]
    return hashlib.sha256("\0".join([described, *sources]).encode("utf-8", "replace")).hexdigest()[:16]


def _described(value: Any, modules: set[str]) -> Iterator[str]:
    """The parts of a value, without anything that differs from one process to the next."""
    if isinstance(value, MethodType):
        value = value.__func__
    if isinstance(value, type | FunctionType):
        modules.add(value.__module__)
        yield f"{value.__module__}:{value.__qualname__}"
    elif dataclasses.is_dataclass(value):
        modules.add(type(value).__module__)
        yield type(value).__qualname__
        for field in dataclasses.fields(value):
            yield field.name
            yield from _described(getattr(value, field.name), modules)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield repr(key)
            yield from _described(one, modules)
    elif isinstance(value, list | tuple | set | frozenset):
        yield type(value).__name__
        for one in sorted(value, key=repr) if isinstance(value, set | frozenset) else value:
            yield from _described(one, modules)
    elif value is None or isinstance(value, str | bytes | int | float):
        yield repr(value)
    else:  # an object of someone's own: its class is all that is sure to be the same next time
        modules.add(type(value).__module__)
        yield type(value).__qualname__


def _with_neighbours(modules: set[str]) -> set[str]:
    """The modules, and those of the same package from which they take functions and classes."""
    found, waiting = set[str](), list(modules)
    while waiting:
        name = waiting.pop()
        if name in found or name not in sys.modules:
            continue
        found.add(name)
        package = name.partition(".")[0]
        if package != "reasoning":  # the library's version says enough of its engine
            used = {getattr(value, "__module__", None) for value in vars(sys.modules[name]).values()}
            waiting += [one for one in used if isinstance(one, str) and one.partition(".")[0] == package]
    return found


def _source(module: str) -> str:
    """The text of a module's file, and of a package's data files. In a notebook there is none, and values must do."""
    loaded = sys.modules.get(module)
    try:
        file = inspect.getsourcefile(loaded) if loaded else None
        if file is None:
            return ""
        data = Path(file).parent.iterdir() if Path(file).stem == "__init__" else ()
        files = [Path(file), *sorted(one for one in data if one.suffix in _DATA)]
        return "\0".join(one.read_text(encoding="utf-8") for one in files)
    except (TypeError, OSError, UnicodeDecodeError):
        return ""
