"""A card's number of calls: a formula that people read and tests evaluate."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reasoning.errors import UsageError

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
}


@dataclass(frozen=True)
class Formula:
    """An expression of names, numbers, `+ - * //`, comparisons and `a if b else c`.

    Calling it with values for its names evaluates it.
    """

    text: str

    def __call__(self, **values: Any) -> int:
        """The formula's value.

        Raises:
            UsageError: a name has no value.
        """
        return int(self._value(ast.parse(self.text, mode="eval").body, values))

    def __str__(self) -> str:
        return self.text

    def _value(self, node: ast.expr, values: dict[str, Any]) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                if node.id not in values:
                    raise UsageError(f"the number of calls {self.text!r} needs a value for {node.id!r}")
                return values[node.id]
            case ast.BinOp() if type(node.op) in _BINARY:
                return _BINARY[type(node.op)](self._value(node.left, values), self._value(node.right, values))
            case ast.Compare(ops=[op]) if type(op) in _COMPARE:
                return _COMPARE[type(op)](self._value(node.left, values), self._value(node.comparators[0], values))
            case ast.IfExp():
                return self._value(node.body if self._value(node.test, values) else node.orelse, values)
        raise UsageError(f"a formula cannot hold {ast.unparse(node)!r}: {self.text!r}")
