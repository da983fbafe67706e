"""The loader of the functions that a chain names as `module:name`, from its folder or an installed package.

A name in a file must not run code by itself, so functions are imported only if the user allows it. The one exception is
code that equals the code of a bundled chain byte for byte.
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
from reasoning.registry import bundled_chains

ImportPolicy = Literal["all", "trusted", "none"]
"""The policy for imports. Functions of bundled chains are always imported. For other functions, "all" imports them,
"trusted" raises an error, and "none" leaves each as an `UnresolvedFunction`."""

_REFERENCE = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")
MODULE_PREFIX = "reasoning_chain_"
_LIBRARY = "reasoning.chain.text_checks"
"""The module of this library that every chain may name."""


@dataclass(frozen=True)
class UnresolvedFunction:
    """A function that a chain names and that was not imported.

    Attributes:
        reference: the name, `module:name`.
        file: the file in the chain's folder that defines it, if there is one.
        parameters: its parameters without a default, read from the source.
    """

    reference: str
    file: Path | None = None
    parameters: tuple[str, ...] = ()

    @property
    def __name__(self) -> str:
        return self.reference

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind) for name in self.parameters])

    def __call__(self, *values: Any, **named: Any) -> NoReturn:
        raise UsageError(f"the function {self.reference} was not imported: set allow_code=True (--allow-code)")


@dataclass(frozen=True)
class CodeLoader:
    """The resolver of one chain's functions.

    Attributes:
        folder: the chain's folder.
        policy: the functions that may be imported.
        package: the import name of the folder if it is an installed package, else None.
    """

    folder: Path
    policy: ImportPolicy
    package: str | None = None

    def resolve(self, reference: str) -> Any:
        """Return the function or class that a reference names.

        Args:
            reference: `module:name`; the module is a file in the chain's folder or an installed module.

        Raises:
            UsageError: the reference is malformed, the name does not exist or may not be imported, or the import fails.
        """
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise UsageError(f"a function must be named 'module:function', got {reference!r}")
        module, name = match[1], match[2]
        file = self.folder / f"{module}.py"
        in_folder = "." not in module and file.is_file()
        parameters = _defined_parameters(file, name) if in_folder else ()
        if in_folder and self.package:
            return _import_attribute(f"{self.package}.{module}", name)
        if not in_folder and module == _LIBRARY:
            return _import_attribute(module, name)
        if self.policy == "all" or (in_folder and _digest(file) in _bundled_digests()):
            return _import_from_file(file, name) if in_folder else _import_attribute(module, name)
        if self.policy == "none":
            return UnresolvedFunction(reference, file if in_folder else None, parameters)
        raise UsageError(
            f"this chain names the function {reference}, which would run with your rights: read its code, then allow "
            f"it (--allow-code, Chain.load(…, allow_code=True))"
        )


def reference_of(obj: Any) -> tuple[str, Path | None]:
    """Return the reference of a function or class, and the file that must be copied with the chain.

    Raises:
        UsageError: the object cannot be imported by a name.
    """
    if isinstance(obj, UnresolvedFunction):
        return obj.reference, obj.file
    module, name = getattr(obj, "__module__", None), getattr(obj, "__qualname__", "")
    loaded = sys.modules.get(str(module))
    if loaded is None or module == "__main__" or getattr(loaded, name, None) is not obj:
        raise UsageError(
            f"{obj!r:.80} has no name in a module that can be imported, so a chain's folder cannot name it"
        )
    if str(module).startswith(MODULE_PREFIX):
        file = Path(str(loaded.__file__))
        return f"{file.stem}:{name}", file
    return f"{module}:{name}", None


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@cache
def _bundled_digests() -> frozenset[str]:
    """Return the digests of the Python files of the bundled chains."""
    return frozenset(
        _digest(file)
        for folder in bundled_chains().values()
        for file in folder.glob("*.py")
        if file.name != "__init__.py"
    )


def _defined_parameters(file: Path, name: str) -> tuple[str, ...]:
    """Return the parameters without a default of a name that a file defines. The file is parsed, not run.

    Raises:
        InputError: the file is not valid Python.
        UsageError: the file does not define the name.
    """
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError(f"{file}:{line}: invalid Python: {error}") from None
    defined: dict[str, tuple[str, ...]] = {}
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                defined[node.name] = _without_default(node.args)
            case ast.ClassDef():
                defined[node.name] = ()
            case ast.Assign():
                defined |= {target.id: () for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=target_name)):
                defined[target_name] = ()
            case ast.Import() | ast.ImportFrom():
                defined |= {alias.asname or alias.name: () for alias in node.names}
    if name not in defined:
        near = nearest(name, defined)
        raise UsageError(f"{file.name} has no {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    return defined[name]


def _without_default(arguments: ast.arguments) -> tuple[str, ...]:
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    keyword_only = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    required += [argument for argument, default in keyword_only if default is None]
    return tuple(argument.arg for argument in required)


def _import_from_file(file: Path, name: str) -> Any:
    """Import a name from a file in a folder. Equal files are one module, so that copies of a chain are equal."""
    module_name = f"{MODULE_PREFIX}{file.stem}_{_digest(file)[:16]}"
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


def _import_attribute(module: str, name: str) -> Any:
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        raise UsageError(f"{module!r} cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(loaded, name):
        near = nearest(name, [public for public in vars(loaded) if not public.startswith("_")])
        raise UsageError(f"{module!r} has no {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    return getattr(loaded, name)
