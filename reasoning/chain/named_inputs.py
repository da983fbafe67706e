"""The inputs of a chain by name: a call's inputs as a problem, and a problem's inputs as the values of the chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reasoning.errors import UnknownName, UsageError, nearest
from reasoning.kinds import Text
from reasoning.problem import Problem
from reasoning.short_repr import shorten

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain

_ARGUMENTS = {"problem", "llm", "epoch", "budget", "journal", "trace", "sampling", "watch", "series"}
"""The parameters of `run` and `arun`: an input with such a name is given in a mapping."""


def to_problem(chain: Chain, inputs: Mapping[str, Any]) -> Problem:
    """Return the problem of inputs that were given by name.

    Raises:
        UsageError: an input is missing or unknown.
    """
    known = sorted(chain.input_names)
    if unknown := next((name for name in inputs if name not in known), None):
        raise UnknownName("input", str(unknown), known, f"of the chain {chain.name!r}")
    if missing := next((name for name in known if name not in inputs), None):
        raise _missing_input(chain, missing, ", ".join(sorted(inputs)) or "none")
    first = next(iter(inputs.values()), "")
    return Problem(first if isinstance(first, str) else shorten(first), inputs=inputs)


def read_values(chain: Chain, problem: Problem) -> dict[str, Any]:
    """Return the inputs of a problem as values of their kinds; the question is the input of a chain with only one.

    Raises:
        UsageError: an input is missing, or its kind does not take the value.
    """
    provided = {**problem.values(), **problem.inputs}
    missing = sorted(chain.input_names - provided.keys())
    if len(missing) == 1 and len(chain.input_names) == 1:
        provided = {missing[0]: problem.question}
    elif missing:
        raise _missing_input(chain, missing[0], ", ".join(sorted(problem.inputs)) or "one text")
    return {name: _coerce(chain, name, provided[name]) for name in sorted(chain.input_names)}


def show_values(chain: Chain, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs as prompts show them."""
    return {name: _show(chain, name, value) for name, value in values.items()}


def _missing_input(chain: Chain, name: str, given: str) -> UsageError:
    """Return the error of a missing input, which may be a placeholder that was misspelled."""
    names = sorted(chain.input_names)
    as_mapping = f"run({{{', '.join(f'{one!r}: …' for one in names)}}}, llm)"
    by_name = f"run({', '.join(f'{one}=…' for one in names)}, llm=…)"
    call = as_mapping if _ARGUMENTS.intersection(names) else by_name
    hint = ""
    if chain.inputs is None and (near := nearest(name, [step.name for step in chain.steps])):
        reader = next(step.name for step in chain.steps if name in step.dependencies)
        hint = f"; or did step {reader!r} mean {{{near}}}?"
    return UsageError(f"the chain {chain.name!r} needs the input {name!r}, got {given}: {call}{hint}")


def _coerce(chain: Chain, name: str, value: Any) -> Any:
    """Coerce an input to its kind."""
    kind = chain.kind_of(name)
    if isinstance(kind, Text) or kind is None:
        if value is None:
            raise UsageError(f"the input {name!r} of the chain {chain.name!r} must have a value, got None")
        return value
    try:
        return kind.target(value)
    except UsageError as error:
        raise UsageError(f"the input {name!r} of the chain {chain.name!r}: {error}") from None


def _show(chain: Chain, name: str, value: Any) -> str:
    kind = chain.kind_of(name)
    return value if isinstance(value, str) or kind is None else kind.show(value)
