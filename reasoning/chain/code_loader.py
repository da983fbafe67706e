"""The functions that a chain names: `module:name`, of a file in the chain's folder or of an installed package.

A name in a file is no reason to run anything. What a chain names is imported only where the user allows it, with
one exception: code that is, to the last byte, that of a chain which comes with this library.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NoReturn

from reasoning.errors import InputError, UsageError, nearest

ImportPolicy = Literal["all", "trusted", "none"]
"""What may be imported: all that is named; only what is known, and the rest is an error; the same, and the rest stays
a name."""

_REFERENCE = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")
_OWN = "reasoning_chain_"
_LIBRARY = "reasoning.chain.text_checks"


@dataclass(frozen=True)
class UnresolvedFunction:
    """A function that a chain names, and that was not imported.

    Attributes:
        reference: `module:name`.
        file: the file in the chain's folder, if it is one.
        parameters: what it takes, as the file says.
    """

    reference: str
    file: Path | None = None
    parameters: tuple[str, ...] = ()

    @property
    def __name__(self) -> str:
        return self.reference

    @property
    def __signature__(self) -> inspect.Signature:
        either = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, either) for name in self.parameters])

    def __call__(self, *values: Any, **named: Any) -> NoReturn:
        raise UsageError(f"the code {self.reference} was not imported: allow_code=True (--allow-code)")


@dataclass(frozen=True)
class CodeLoader:
    """Where a chain's names are looked up.

    Attributes:
        folder: the chain's folder.
        leave: what may be imported.
        package: the installed package that the folder is.
    """

    folder: Path
    policy: ImportPolicy
    package: str | None = None

    def resolve(self, reference: str) -> Any:
        """What a name stands for.

        Raises:
            UsageError: it is no name, nothing has it, it may not be imported, or it cannot be.
        """
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise UsageError(f"code is named 'module:function', not {reference!r}")
        module, name = match[1], match[2]
        file = self.folder / f"{module}.py"
        own = "." not in module and file.is_file()
        parameters = _defined(file, name) if own else ()
        if own and self.package:
            return _attribute(f"{self.package}.{module}", name)
        if not own and module == _LIBRARY:
            return _attribute(module, name)
        if self.policy == "all" or (own and _digest(file) in _shipped()):
            return _of_file(file, name) if own else _attribute(module, name)
        if self.policy == "none":
            return UnresolvedFunction(reference, file if own else None, parameters)
        raise UsageError(
            f"this chain names code, {reference}, which would run with your rights: look at it, then allow it "
            f"(--allow-code, Chain.load(…, allow_code=True))"
        )


def reference_of(thing: Any) -> tuple[str, Path | None]:
    """The name of a function or class, and the file that has to go along with the chain.

    Raises:
        UsageError: it cannot be found by a name.
    """
    if isinstance(thing, UnresolvedFunction):
        return thing.reference, thing.file
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "")
    loaded = sys.modules.get(str(module))
    if loaded is None or module == "__main__" or getattr(loaded, name, None) is not thing:
        raise UsageError(f"{thing!r:.80} has no name in a module that can be imported, and so none in a chain's folder")
    if str(module).startswith(_OWN):
        file = Path(str(loaded.__file__))
        return f"{file.stem}:{name}", file
    return f"{module}:{name}", None


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@cache
def _shipped() -> frozenset[str]:
    """The code of the chains that come with this library."""
    import reasoning

    shelf = Path(str(reasoning.strategies.__file__)).parent / "domain"
    return frozenset(_digest(file) for file in shelf.glob("*/*.py") if file.name != "__init__.py")


def _defined(file: Path, name: str) -> tuple[str, ...]:
    """The parameters without a default of what a file defines by a name; it is parsed and not run.

    Raises:
        UsageError: it defines no such name.
    """
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError(f"{file}:{line}: this is no Python: {error}") from None
    named: dict[str, tuple[str, ...]] = {}
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                named[node.name] = _without_default(node.args)
            case ast.ClassDef():
                named[node.name] = ()
            case ast.Assign():
                named |= {one.id: () for one in node.targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=one)):
                named[one] = ()
            case ast.Import() | ast.ImportFrom():
                named |= {one.asname or one.name: () for one in node.names}
    if name not in named:
        near = nearest(name, named)
        raise UsageError(f"{file.name} has no {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    return named[name]


def _without_default(arguments: ast.arguments) -> tuple[str, ...]:
    places = [*arguments.posonlyargs, *arguments.args]
    needed = places[: len(places) - len(arguments.defaults)]
    by_name = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return tuple(one.arg for one in [*needed, *(one for one, default in by_name if default is None)])


def _of_file(file: Path, name: str) -> Any:
    """From a file in a chain's folder. Equal files are one module, so that a copy of a chain is equal to it."""
    module_name = f"{_OWN}{file.stem}_{_digest(file)[:16]}"
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, file)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise UsageError(f"{file} cannot be imported: {type(error).__name__}: {error}") from error
    return getattr(sys.modules[module_name], name)


def _attribute(module: str, name: str) -> Any:
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        raise UsageError(f"{module!r} cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(loaded, name):
        near = nearest(name, [one for one in vars(loaded) if not one.startswith("_")])
        raise UsageError(f"{module!r} has no {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    return getattr(loaded, name)
