"""The spec language: a strategy as a Python call expression, such as `self_consistency(pot, samples=10)`.

A spec is parsed and never evaluated. Besides literals and strategies, a parameter may be

- a prompt, as the sections that differ from the default: `cot(two_stages={'form': 'xml'})`;
- a call of a registered class, as its repr shows it: `cot(shots=4, demonstrations=Pool('mine.toml',
  select='similar'))` or `tree_of_thoughts(Steps(rate={…}))`. See `reasoning.registry`.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reasoning.errors import SpecError, UnknownName, UsageError
from reasoning.prompts import Prompt
from reasoning.secret_scan import find_key
from reasoning.strategy import Strategy

FindStrategy = Callable[[str, str], "type[Strategy] | Strategy"]
"""Returns the strategy or class of a name. The second argument is the location of the name, for UnknownName."""
FindValue = Callable[[str], "type[Any] | None"]
"""Returns the dataclass that a spec may call under a name; None for any other name."""


def build(spec: str, find_strategy: FindStrategy, find_value: FindValue) -> Strategy:
    """Return the strategy that a spec describes.

    Args:
        spec: the call expression.
        find_strategy: looks up the names of strategies.
        find_value: looks up the classes that a spec may call.

    Raises:
        SpecError: the spec is not a call expression; marks the position.
        UsageError: the spec contains a key.
        UnknownName: a name or a parameter does not exist; suggests the nearest one and names the
            column.
        UsageError: a parameter does not take its value.
    """
    return _Reader(spec, find_strategy, find_value).strategy(_parse(spec))


def split(specs: str) -> list[str]:
    """Split a text into its specs, which commas separate. Commas within brackets do not separate.

    Examples:
        >>> split("vanilla, cot(shots=4, stages=1)")
        ['vanilla', 'cot(shots=4, stages=1)']
    """
    if not specs.strip(" ,\n\t"):
        raise UsageError("no strategy is named; see `reasoning strategies`")
    parsed = _parse(f"({specs.strip().rstrip(',')},)", shown=specs)
    assert isinstance(parsed, ast.Tuple)
    return [ast.unparse(node) for node in parsed.elts]


def _parse(text: str, shown: str = "") -> ast.expr:
    if kind := find_key(text):
        raise UsageError(f"a spec is shown and recorded, so it must not contain a key, got {kind}")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        offset = (error.offset or 1) - (2 if shown else 1)
        hint = _hint(shown or text, error)
        raise SpecError(f"not a strategy spec: {error.msg}{hint}", shown or text, max(offset, 0)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SpecError(f"not a strategy spec: {error}", (shown or text)[:80], 0) from None


def _hint(text: str, error: SyntaxError) -> str:
    """Return what was probably meant by a text that is no expression; empty if that is not clear."""
    if "(" not in text and ";" in text:
        return "; separate specs by commas, as in 'vanilla, cot'"
    words = text.split()
    if "(" not in text and len(words) > 1 and all(word.isidentifier() for word in words):
        return f"; a name has no spaces: write {'_'.join(words).lower()!r}, or commas between several specs"
    return "; one of two commas is too many" if ",," in text.replace(" ", "") else ""


@dataclass(frozen=True)
class _Reader:
    """Reads the nodes of one spec's syntax tree."""

    spec: str
    find_strategy: FindStrategy
    find_value: FindValue

    def strategy(self, node: ast.expr) -> Strategy:
        match node:
            case ast.Name(id=name):
                found = self.find_strategy(name, self._where(node))
                if isinstance(found, Strategy):
                    return found
                strategy: Strategy = self._make(found, found.card.name, {}, node)
                return strategy
            case ast.Call(func=ast.Name(id=name)):
                found = self.find_strategy(name, self._where(node))
                if isinstance(found, Strategy):
                    raise SpecError(f"{name} takes no parameters", self.spec, node.col_offset)
                called: Strategy = self._call(found, found.card.name, node)
                return called
            case ast.Tuple(elts=elements) if len(elements) > 1:
                raise SpecError(f"one strategy is needed here, got {len(elements)}", self.spec, node.col_offset)
        raise SpecError("a strategy must be a name or a call such as cot(shots=4)", self.spec, node.col_offset)

    def _call(self, cls: type[Any], name: str, node: ast.Call) -> Any:
        return self._make(cls, name, self._parameters(cls, name, node), node)

    def _parameters(self, cls: type[Any], name: str, node: ast.Call) -> dict[str, Any]:
        defaults = {field.name: field.default for field in dataclasses.fields(cls) if field.init}
        names = list(defaults)
        if len(node.args) > len(names):
            offset = node.args[len(names)].col_offset
            raise SpecError(f"{name} takes at most {len(names)} parameters, got {len(node.args)}", self.spec, offset)
        parameters: dict[str, Any] = {}
        pairs: Iterable[tuple[str | None, ast.expr]] = [
            *zip(names, node.args, strict=False),
            *((keyword.arg, keyword.value) for keyword in node.keywords),
        ]
        for parameter, value in pairs:
            if parameter is None:
                raise SpecError("parameters must be written as name=value, got **", self.spec, value.col_offset)
            if parameter not in names:
                known = [one for one in names if not (isinstance(defaults[one], Prompt) and _is_number(value))]
                raise UnknownName("parameter", parameter, known, f"of {name} {self._where(value)}")
            if parameter in parameters:
                raise SpecError(f"{name} gets {parameter} twice", self.spec, value.col_offset)
            parameters[parameter] = self._value(value)
            if isinstance(default := defaults[parameter], Prompt) and isinstance(parameters[parameter], dict):
                parameters[parameter] = self._prompt(default, parameters[parameter], value)
        return parameters

    def _prompt(self, default: Prompt, changes: dict[str, Any], node: ast.expr) -> Prompt:
        try:
            return default.with_plain(changes)
        except UnknownName as error:
            raise UnknownName(error.what, error.name, error.known, self._where(node)) from None
        except (UsageError, TypeError) as error:
            raise SpecError(str(error), self.spec, node.col_offset) from None

    def _value(self, node: ast.expr) -> Any:
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            match node:
                case ast.Call(func=ast.Name(id=name)) if (cls := self.find_value(name)) is not None:
                    return self._call(cls, name, node)
            if isinstance(node, ast.Tuple):
                return tuple(self._value(element) for element in node.elts)
            if isinstance(node, ast.Dict) and None not in node.keys:
                keys = [self._value(key) for key in node.keys if key is not None]
                return dict(zip(keys, [self._value(value) for value in node.values], strict=True))
            if isinstance(node, ast.Name | ast.Call):
                return self.strategy(node)
            written = ast.get_source_segment(self.spec.strip(), node) or ast.unparse(node)
            raise SpecError(
                f"a parameter must be a number, a text, a list or a strategy, got {written:.40}; nothing is computed",
                self.spec,
                node.col_offset,
            ) from None

    def _make(self, cls: type[Any], name: str, parameters: dict[str, Any], node: ast.expr) -> Any:
        try:
            return cls(**parameters)
        except UnknownName as error:
            raise UnknownName(error.what, error.name, error.known, error.where or self._where(node)) from None
        except UsageError as error:
            raise SpecError(str(error), self.spec, node.col_offset) from None
        except TypeError as error:
            # A parameter without a default is missing.
            raise SpecError(str(error).replace("__init__()", name), self.spec, node.col_offset) from None

    def _where(self, node: ast.expr) -> str:
        return f"at column {node.col_offset + 1} of {self.spec.strip()!r}"


def _is_number(node: ast.expr) -> bool:
    """Return whether a value is written as a number, which no prompt takes."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)
